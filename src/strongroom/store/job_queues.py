"""Rows of queues, and the jobs that wait in them: by constants, so that the partial index of active jobs serves."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.job import Job, JobStatus
from strongroom.domain.job_queue import JobQueue
from strongroom.store.database import Connection
from strongroom.store.jobs import SHOWN, read
from strongroom.store.tables import job_metadata, job_queues, jobs

_QUEUED = text("jobs.status = 'QUEUED'")
_LIST = text(
    """
    SELECT job_queues.name, delivery, count(jobs.id) AS messages
    FROM job_queues LEFT JOIN jobs ON jobs.queue = job_queues.name AND jobs.status = 'QUEUED'
    WHERE cast(:name AS text) IS NULL OR job_queues.name = :name
    GROUP BY job_queues.name ORDER BY job_queues.name
    """
)
_USED_BY_JOBS = text(
    """
    SELECT EXISTS (
        SELECT FROM jobs WHERE queue = :name AND status IN ('SCHEDULED', 'QUEUEING', 'QUEUED', 'RUNNING')
    )
    """
)
_WAITING = text(
    """
    SELECT id, whole, open_tasks = 0 AS ended, queued_tasks FROM jobs
    WHERE queue = :name AND status = 'QUEUED' AND id > :after ORDER BY id LIMIT :most
    """
)


@dataclass(frozen=True)
class Waiting:
    """A QUEUED job: what its first messages are. ``ended``: it has no tasks, and only needs to be closed."""

    id: int
    whole: bool
    ended: bool
    queued_tasks: int


async def list_all(connection: Connection, name: str | None = None) -> list[JobQueue]:
    """Every queue, or the one of this name, with how many of its jobs wait."""
    rows = await connection.execute(_LIST, {"name": name})
    return [JobQueue(row.name, row.delivery, row.messages) for row in rows]


async def add(connection: Connection, name: str, date: datetime) -> bool:
    """Insert a queue; False if there is one of that name."""
    row = {"name": name, "created_date": date}
    return (await connection.execute(upsert(job_queues).values(row).on_conflict_do_nothing())).rowcount > 0


async def hold(connection: Connection, name: str) -> bool:
    """Lock the row of a queue, so that nothing comes to use it until the transaction ends; False without one."""
    statement = select(job_queues.c.name).where(job_queues.c.name == name).with_for_update()
    return (await connection.scalar(statement)) is not None


async def users(connection: Connection, name: str) -> Sequence[str]:
    """What uses a queue, in words."""
    by_metadata = await connection.scalar(select(exists().where(job_metadata.c.queue == name)))
    by_jobs = await connection.scalar(_USED_BY_JOBS, {"name": name})
    return [word for word, used in (("job metadata", by_metadata), ("active jobs", by_jobs)) if used]


async def remove(connection: Connection, name: str) -> None:
    """Delete a queue."""
    await connection.execute(delete(job_queues).where(job_queues.c.name == name))


async def set_delivery(connection: Connection, name: str, *, delivery: bool) -> bool:
    """Enable or disable a queue; False if it was so already."""
    changed = job_queues.c.delivery != delivery
    statement = update(job_queues).where(job_queues.c.name == name, changed).values(delivery=delivery)
    return (await connection.execute(statement)).rowcount > 0


async def waiting(connection: Connection, name: str, after: int, most: int) -> list[Waiting]:
    """The QUEUED jobs of a queue whose id is above ``after``, in the order of their ids."""
    rows = await connection.execute(_WAITING, {"name": name, "after": after, "most": most})
    return [Waiting(row.id, row.whole, row.ended, row.queued_tasks) for row in rows]


async def cancel(connection: Connection, name: str, user: int, now: datetime, most: int) -> list[Job]:
    """Cancel QUEUED jobs of a queue; gives them."""
    waiting = select(jobs.c.id).where(jobs.c.queue == name, _QUEUED).order_by(jobs.c.id).limit(most)
    chosen = waiting.with_for_update(key_share=True).cte("chosen")
    values = {"status": JobStatus.CANCELLED, "run_end_date": now, "modified_by": user, "modified_date": now}
    cancelled = update(jobs).where(jobs.c.id == chosen.c.id).values(touched=func.now(), **values)
    return [read(row) for row in (await connection.execute(cancelled.returning(*SHOWN))).mappings()]
