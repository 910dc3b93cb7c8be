"""The limits of the API: how often the status of one job may be asked for, and how many calls there may be at all."""

import math
import time
from dataclasses import dataclass, field

from strongroom.api.headers import Burst
from strongroom.config import Settings
from strongroom.domain.errors import ApiLimitExceeded
from strongroom.services import job_polls
from strongroom.vault import Vault

# A client that waits exactly 10 seconds must not fail because its clock, or the network, was a little faster.
_TOLERANCE = 0.1
_PERIODS = {"exact": 10.0, "scaled": 1.0, "off": 0.0}

_BURST_WINDOW = 300.0
_BURST_LIMITS = {"exact": 2000, "scaled": 20000, "off": 2000}


@dataclass(frozen=True)
class JobPolls:
    """One accepted status call per job and period; the calls in between fail and do not prolong it.

    ``shared`` is for several web processes: the periods are rows. Else they are kept here, oldest first.
    """

    period: float
    shared: bool
    opened: dict[int, float] = field(default_factory=dict)

    async def accept(self, vault: Vault, job_id: int) -> None:
        """Let the call pass, or raise ``ApiLimitExceeded`` with the seconds to wait."""
        if not self.period:
            return
        wait = await job_polls.accept(vault, job_id, self.enforced) if self.shared else self._accept_here(job_id)
        if wait > 0:
            raise ApiLimitExceeded(
                f"Too many polling requests: the status of job [{job_id}] may be read once in {self.period:g} s. "
                f"Wait {math.ceil(wait * 10) / 10:g} s; the option --limits off lifts this limit."
            )

    @property
    def enforced(self) -> float:
        """The period, in seconds, less what is tolerated."""
        return self.period - _TOLERANCE

    def _accept_here(self, job_id: int) -> float:
        now = time.monotonic()
        wait = self.opened.get(job_id, -math.inf) + self.enforced - now
        if wait <= 0:
            self._forget_closed(now)
            self.opened[job_id] = now
        return wait

    def _forget_closed(self, now: float) -> None:
        """Drop the periods that are over: they stand first, since each is entered when it opens."""
        while self.opened and (oldest := next(iter(self.opened))) is not None:
            if self.opened[oldest] + self.enforced > now:
                return
            del self.opened[oldest]


@dataclass
class Bursts:
    """Counts the calls of the present window, for the headers. What is above the limit is not slowed down yet."""

    limit: int
    counting: bool
    began: float = 0.0
    calls: int = 0

    def count(self) -> Burst:
        """Count one call."""
        if not self.counting:
            return Burst(self.limit, self.limit)
        now = time.monotonic()
        if now - self.began >= _BURST_WINDOW:
            self.began, self.calls = now, 0
        self.calls += 1
        return Burst(self.limit, max(self.limit - self.calls, 0))


@dataclass(frozen=True)
class Limits:
    """The limits of one web process."""

    job_polls: JobPolls
    bursts: Bursts

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Set up the limits that the settings ask for."""
        mode = settings.limits
        return cls(
            JobPolls(_PERIODS[mode], shared=settings.web > 1),
            Bursts(_BURST_LIMITS[mode], counting=mode != "off"),
        )
