"""Where webhooks may lead: what a name stands for is looked up, and refused unless all of it is public."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from anyio import CapacityLimiter, to_thread

from strongroom.config import Settings
from strongroom.domain.errors import InvalidData
from strongroom.domain.webhook import NewWebhook, check_secret, is_public, parse

LookUp = Callable[[str, int], Awaitable[Sequence[str]]]
"""Finds the addresses of a host; raises ``OSError`` if there are none. It is given the port, too."""

_SECONDS = 5.0
_AT_ONCE = 50


class TargetRefusedError(Exception):
    """A host stands for an address that no webhook may lead to."""


def look_up() -> LookUp:
    """Make what asks the system. It has threads of its own, since a name server that is silent holds each for long."""
    limiter = CapacityLimiter(_AT_ONCE)

    async def addresses(host: str, port: int) -> list[str]:
        return await to_thread.run_sync(_system_addresses, host, port, abandon_on_cancel=True, limiter=limiter)

    return addresses


async def allowed_addresses(settings: Settings, look: LookUp, host: str, port: int) -> Sequence[str]:
    """The addresses of a host, all of which a webhook may lead to; else raises ``TargetRefusedError``."""
    found = await look(host, port)
    for address in found:
        if not settings.webhook_private and not is_public(address):
            raise TargetRefusedError(f"{host} stands for the address {address}, which is not a public one")
    return found


async def check(settings: Settings, new: NewWebhook, look: LookUp | None = None) -> None:
    """Refuse a webhook whose URL or secret cannot be used, before anything is written."""
    target = parse(new.url)
    check_secret(new.secret)
    if settings.webhook_private:
        return
    try:
        async with asyncio.timeout(_SECONDS):
            await allowed_addresses(settings, look or look_up(), target.host, target.port)
    except TargetRefusedError as error:
        raise InvalidData(
            f"The URL [{new.url}] of a webhook cannot be used: {error}. The setting webhook_private allows it."
        ) from error
    except (OSError, TimeoutError, UnicodeError) as error:
        raise InvalidData(
            f"The URL [{new.url}] of a webhook cannot be used: the host [{target.host}] is not known."
        ) from error


def _system_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))
