"""Jobs that have ended, kept in memory: their rows never change again, and clients go on asking for them."""

from dataclasses import dataclass, field

from strongroom.domain.job import Job

_MOST = 4096


@dataclass(frozen=True)
class EndedJobs:
    """The ended jobs that this process has read lately."""

    rows: dict[int, Job] = field(default_factory=dict)

    def find(self, job_id: int) -> Job | None:
        """A job that is known to have ended, or None."""
        return self.rows.get(job_id)

    def keep(self, job: Job) -> None:
        """Remember a job if it has ended; the one that was read first makes room."""
        if not job.status.is_terminal:
            return
        if len(self.rows) >= _MOST:
            del self.rows[next(iter(self.rows))]
        self.rows[job.id] = job
