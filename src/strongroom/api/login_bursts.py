"""How often a user name may log in: slowed down when half of the window's logins are used, refused when all are."""

import hashlib
import math
from dataclasses import dataclass

from strongroom.api.pace import Pace
from strongroom.config import Settings
from strongroom.domain.errors import ApiLimitExceeded
from strongroom.services import call_counts
from strongroom.vault import Vault

WINDOW = 60.0
_LOCAL = ("localhost", "127.0.0.1", "::1")
_SHOWN = 255  # characters of a user name in a message; no real one has more


@dataclass(frozen=True)
class LoginBursts:
    """Logins of a user name at a DNS in a window, which begins with the first of them.

    They are always counted in the database: a login is rare and dear, and writes there anyway. ``names`` are the names
    that the server knows itself by. All others are one: who makes up a name for each login is still counted.
    """

    limit: int
    counting: bool
    names: frozenset[str]

    @classmethod
    def of(cls, settings: Settings, limit: int) -> "LoginBursts":
        """Set up the limit that the settings ask for."""
        names = frozenset(name.lower() for name in (*settings.dns, settings.host, *_LOCAL))
        return cls(limit, settings.limits != "off", names)

    async def accept(self, vault: Vault, username: str, host: str, pace: Pace) -> None:
        """Let a login pass, or raise ``ApiLimitExceeded`` with the seconds to wait. ``host`` may have a port."""
        if not self.counting:
            return
        logins, left = await call_counts.add(vault, self._subject(username, host), 1, WINDOW)
        if 2 * (logins - 1) >= self.limit:
            pace.slow_down()
        if logins > self.limit:
            raise ApiLimitExceeded(
                f"Too many logins: the user name [{username[:_SHOWN]}] may log in {self.limit} times in {WINDOW:g} s. "
                f"Wait {max(math.ceil(left), 1)} s; the option --limits off lifts this limit."
            )

    def _subject(self, username: str, host: str) -> bytes:
        name = _without_port(host.strip().lower())
        dns = name if name in self.names else ""
        # A hash: what was sent may be of any length.
        return hashlib.sha256(f"{dns} {username.lower()}".encode()).digest()


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
