"""Business time. Leases and attempts use the database's clock instead."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class Clock:
    """The time in the Vault: real time, moved by ``offset``."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return datetime.now(UTC) + self.offset
