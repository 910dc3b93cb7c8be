"""Where webhooks may lead: what a name stands for is looked up, and refused unless all of it is public."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from strongroom.config import Settings
from strongroom.domain.errors import InvalidData
from strongroom.domain.webhook import NewWebhook, check_secret, is_public, parse
from strongroom.store.names import Names

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a host; raises ``OSError`` if there are none. It is given the port, too."""

SECONDS = 5.0
"""How long a name may take."""


class TargetRefusedError(Exception):
    """A host stands for an address that no webhook may lead to."""


def look_up() -> LookUp:
    """Make what asks the system, for who has no Vault or wants threads of its own."""
    return Names().addresses


async def allowed_addresses(settings: Settings, look: LookUp, host: str, port: int) -> Sequence[str]:
    """The addresses of a host, all of which a webhook may lead to; else raises ``TargetRefusedError``."""
    found = await look(host, port)
    for address in found:
        if not settings.webhook_private and not is_public(address):
            raise TargetRefusedError(f"{host} stands for the address {address}, which is not a public one")
    return found


async def check(settings: Settings, new: NewWebhook, look: LookUp) -> None:
    """Refuse a webhook whose URL or secret cannot be used, before anything is written."""
    target = parse(new.url)
    check_secret(new.secret)
    if settings.webhook_private:
        return
    try:
        async with asyncio.timeout(SECONDS):
            await allowed_addresses(settings, look, target.host, target.port)
    except TargetRefusedError as error:
        raise InvalidData(
            f"The URL [{new.url}] of a webhook cannot be used: {error}. The setting webhook_private allows it."
        ) from error
    except (OSError, TimeoutError, UnicodeError) as error:
        raise InvalidData(
            f"The URL [{new.url}] of a webhook cannot be used: the host [{target.host}] is not known."
        ) from error
