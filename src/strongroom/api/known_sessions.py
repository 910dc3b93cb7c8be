"""The sessions that this process has looked up a moment ago: a client that calls often is looked up once a second."""

import time
from dataclasses import dataclass, field

from strongroom.api.headers import Caller
from strongroom.services import sessions
from strongroom.vault import Vault

KNOWN_SECONDS = 1.0
"""How long a session may be believed in that another process has ended."""
_MOST = 10_000


@dataclass(frozen=True)
class Known:
    """A session: the Vault as its user sees it, and until when (monotonic seconds) this may be believed."""

    vault: Vault
    caller: Caller
    until: float


@dataclass(frozen=True)
class KnownSessions:
    """Sessions of one Vault, by their tokens."""

    vault: Vault
    found: dict[str, Known] = field(default_factory=dict)

    async def find(self, token: str) -> Known:
        """Give the session of a token; raises ``InvalidSessionId``."""
        known = self.found.get(token)
        if known is None or known.until < time.monotonic():
            self.found.pop(token, None)
            known = await self._look_up(token)
        return known

    def forget(self, token: str) -> None:
        """Look a session up anew at its next call: it was ended here."""
        self.found.pop(token, None)

    async def _look_up(self, token: str) -> Known:
        # Counted from before the look-up: what ends the session meanwhile is noticed a second after it at the latest.
        until = time.monotonic() + KNOWN_SECONDS
        user = await sessions.resolve(self.vault, token)
        if len(self.found) >= _MOST:
            self.found.clear()
        known = Known(self.vault.as_user(user), Caller(self.vault.info.id, user.id, token), until)
        self.found[token] = known
        return known
