"""Jobs that end without having come to their end: out of time, or silent for too long.

Rows that somebody else has locked are passed over: the next look finds them.
"""

from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select, text, update

from strongroom.domain.job import Job, JobStatus, sources_of
from strongroom.store.database import Connection
from strongroom.store.jobs import SHOWN, read
from strongroom.store.tables import job_tasks, jobs

# Said in the words of the partial index, so that it is used.
_ACTIVE = text("jobs.status IN ('SCHEDULED', 'QUEUEING', 'QUEUED', 'RUNNING')")


async def end_overdue(connection: Connection, now: datetime, most: int) -> list[Job]:
    """End jobs whose deadline has passed; gives them."""
    return await _end(connection, JobStatus.TIMEOUT, jobs.c.deadline <= now, now, most)


async def end_silent(connection: Connection, minutes: float, now: datetime, most: int) -> list[Job]:
    """End jobs that have given no sign of life for so long, by the database's clock; gives them."""
    before = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, minutes * 60)
    # A task that begins is a sign of life, too, and is not noted with its job.
    working = exists().where(job_tasks.c.job_id == jobs.c.id, job_tasks.c.touched >= before)
    silent = (jobs.c.touched < before) & ~working
    return await _end(connection, JobStatus.COMPLETED_DUE_TO_INACTIVITY, silent, now, most)


async def _end(
    connection: Connection, status: JobStatus, condition: ColumnElement[bool], now: datetime, most: int
) -> list[Job]:
    due = (
        select(jobs.c.id)
        .where(jobs.c.status.in_(sources_of(status)), _ACTIVE, condition)
        .order_by(jobs.c.id)
        .limit(most)
        .with_for_update(key_share=True, skip_locked=True, of=jobs)
        .cte("due")
    )
    rows = await connection.execute(
        update(jobs)
        .where(jobs.c.id == due.c.id)
        .values(status=status, run_end_date=now, modified_date=now, touched=func.now())
        .returning(*SHOWN)
    )
    return [read(row) for row in rows.mappings()]
