"""Kinds of which only one job may be in certain statuses at a time."""

from sqlalchemy import func, select

from strongroom.domain.job import Job, JobStatus, JobTraits
from strongroom.store.database import Connection
from strongroom.store.jobs import SHOWN, read
from strongroom.store.tables import jobs

# A job that is QUEUEING is not RUNNING yet, and not SCHEDULED any more.
_MEANT = {JobStatus.QUEUED: (JobStatus.QUEUEING, JobStatus.QUEUED)}


async def other(connection: Connection, traits: JobTraits, besides: int | None = None) -> Job | None:
    """A job that stands in the way of one with these traits, if there is one; nobody can begin one meanwhile.

    ``besides``: the job that is to be begun, if it has a row already.
    """
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(traits.kind, 0))))
    statuses = [each for status in traits.single_instance_states for each in _MEANT.get(status, (status,))]
    statement = select(*SHOWN).where(jobs.c.kind == traits.kind, jobs.c.status.in_(statuses))
    if besides is not None:
        statement = statement.where(jobs.c.id != besides)
    row = (await connection.execute(statement.order_by(jobs.c.id).limit(1))).mappings().one_or_none()
    return None if row is None else read(row)
