"""The Vault as the owners of jobs see it: who owns many jobs is looked up once a second."""

import time
from dataclasses import dataclass, field

from strongroom.services import users
from strongroom.vault import Vault

_SECONDS, _MOST = 1.0, 1000


@dataclass(frozen=True)
class Owners:
    """The owners that were looked up a moment ago, each with the moment (monotonic seconds) up to which it counts."""

    vault: Vault
    found: dict[int, tuple[float, Vault]] = field(default_factory=dict)

    async def of(self, user_id: int) -> Vault:
        """Give the Vault as a user sees it."""
        until, owner = self.found.get(user_id, (0.0, self.vault))
        if until > time.monotonic():
            return owner
        until = time.monotonic() + _SECONDS
        owner = self.vault.as_user(await users.retrieve(self.vault, user_id))
        if len(self.found) >= _MOST:
            self.found.clear()
        self.found[user_id] = (until, owner)
        return owner
