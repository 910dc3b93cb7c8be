"""Jobs that have ended, kept in memory: their rows never change again, and clients go on asking for them.

After a while a row is read anew all the same, since the history may have been pruned.
"""

import time
from dataclasses import dataclass, field

from strongroom.domain.job import Job

_MOST, _SECONDS = 4096, 60.0


@dataclass(frozen=True)
class EndedJobs:
    """The ended jobs that this process has read lately."""

    rows: dict[int, tuple[float, Job]] = field(default_factory=dict)

    def find(self, job_id: int) -> Job | None:
        """A job that is known to have ended, or None."""
        until, job = self.rows.get(job_id, (0.0, None))
        return job if until > time.monotonic() else None

    def keep(self, job: Job) -> None:
        """Remember a job if it has ended; the one that was read first makes room."""
        if not job.status.is_terminal:
            return
        self.rows.pop(job.id, None)
        if len(self.rows) >= _MOST:
            del self.rows[next(iter(self.rows))]
        self.rows[job.id] = time.monotonic() + _SECONDS, job
