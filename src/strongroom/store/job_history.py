"""Ended jobs, deleted: their tasks, logs and webhooks go with them."""

from datetime import datetime

from sqlalchemy import delete, select

from strongroom.domain.job import ENDED
from strongroom.store.database import Connection
from strongroom.store.tables import jobs


async def remove(connection: Connection, before: datetime, most: int) -> int:
    """Delete jobs that ended before that moment, the oldest first; returns how many."""
    ended = (jobs.c.run_end_date < before, jobs.c.status.in_(ENDED))
    chosen = select(jobs.c.id).where(*ended).order_by(jobs.c.run_end_date, jobs.c.id).limit(most)
    locked = (await connection.scalars(chosen.with_for_update(skip_locked=True))).all()
    result = await connection.execute(delete(jobs).where(jobs.c.id.in_(locked)))
    return result.rowcount
