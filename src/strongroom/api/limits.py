"""The limits of the API: how often the status of one job may be asked for; how many calls and logins there may be."""

import math
import time
from dataclasses import dataclass, field

from strongroom.api.bursts import Bursts
from strongroom.api.login_bursts import LoginBursts
from strongroom.config import Settings
from strongroom.domain.errors import ApiLimitExceeded
from strongroom.services import job_polls
from strongroom.vault import Vault

# A client that waits exactly 10 seconds must not fail because its clock, or the network, was a little faster.
_TOLERANCE = 0.1
_PERIODS = {"exact": 10.0, "scaled": 1.0, "off": 0.0}
_SCALED = 10  # times as many calls and logins


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


@dataclass(frozen=True)
class Limits:
    """The limits of one web process."""

    job_polls: JobPolls
    bursts: Bursts
    logins: LoginBursts

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """Set up the limits that the settings ask for."""
        mode, shared = settings.limits, settings.counted_in == "database"
        factor = _SCALED if mode == "scaled" else 1
        return cls(
            JobPolls(_PERIODS[mode], shared),
            Bursts(settings.burst_limit * factor, counting=mode != "off", shared=shared),
            LoginBursts.of(settings, settings.auth_burst_limit * factor),
        )

    async def close(self) -> None:
        """Stop what runs in the background."""
        await self.bursts.close()
