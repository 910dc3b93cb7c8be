"""The headers that every response carries."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from strongroom.api.versions import POSITIONS, VERSIONS

_SHOWN_OF_SESSION = 32
_DAILY_LIMIT = [(b"x-vaultapi-dailylimit", b"999999"), (b"x-vaultapi-dailylimitremaining", b"999999")]
_WITH_DAILY_LIMIT = frozenset(VERSIONS[: POSITIONS["v20.3"] + 1])
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,1000}")
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")


@dataclass(frozen=True)
class Caller:
    """Who is answered: what the headers say about the session."""

    vault_id: int
    user_id: int
    token: str = field(repr=False)

    @cached_property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """What every reply to this session says of it."""
        return [
            (b"x-vaultapi-vaultid", b"%d" % self.vault_id),
            (b"x-vaultapi-userid", b"%d" % self.user_id),
            (b"x-vaultapi-truncatedsessionid", self.token[:_SHOWN_OF_SESSION].encode("latin-1")),
        ]


@dataclass(frozen=True)
class Burst:
    """How many calls the Vault takes in the present window, how many are left, and whether this one is above them."""

    limit: int
    remaining: int
    exceeded: bool = False


def response_headers(
    execution_id: str,
    status: str,
    burst: Burst,
    caller: Caller | None,
    request: Mapping[str, str],
    version: str | None,
) -> list[tuple[bytes, bytes]]:
    """Make the headers of one response. ``status`` is the word of ``responseStatus``, ``version`` that of the path."""
    headers = [
        (b"x-vaultapi-executionid", execution_id.encode()),
        (b"x-vaultapi-status", status.encode()),
        (b"x-vaultapi-burstlimit", b"%d" % burst.limit),
        (b"x-vaultapi-burstlimitremaining", b"%d" % burst.remaining),
        (b"cache-control", b"no-store, no-cache"),
    ]
    if caller is not None:
        headers += caller.headers
    if version in _WITH_DAILY_LIMIT:
        headers += _DAILY_LIMIT
    reference = request.get("x-vaultapi-referenceid")
    if reference is not None and _PRINTABLE.fullmatch(reference):
        headers.append((b"x-vaultapi-referenceid", reference.encode()))
    return headers


def origin(request: Mapping[str, str], otherwise: str) -> str:
    """Give ``https://`` and the host that the client typed, its port included; ``otherwise`` if it sent none."""
    host = request.get("host", "")
    return f"https://{host if _HOST.fullmatch(host) else otherwise}"
