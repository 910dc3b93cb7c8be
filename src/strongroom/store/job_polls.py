"""The last accepted status poll of each job: one guarded upsert, in the time of the database's clock."""

from datetime import timedelta

from sqlalchemy import func, text

from strongroom.store.database import Connection
from strongroom.store.tables import job_polls

_ACCEPT = text(
    """
    INSERT INTO job_polls AS poll (job_id, opened) VALUES (:job_id, clock_timestamp())
    ON CONFLICT (job_id) DO UPDATE SET opened = clock_timestamp()
    WHERE poll.opened <= clock_timestamp() - make_interval(secs => :period)
    RETURNING job_id
    """
)
_REMAINING = text(
    """
    SELECT extract(epoch FROM opened - clock_timestamp())::float8 + :period FROM job_polls WHERE job_id = :job_id
    """
)


async def accept(connection: Connection, job_id: int, period: float) -> float:
    """Open a period for a job if none is open: 0. Else the seconds that the open one still lasts, always above 0."""
    if (await connection.execute(_ACCEPT, {"job_id": job_id, "period": period})).first() is not None:
        return 0.0
    remaining = (await connection.execute(_REMAINING, {"job_id": job_id, "period": period})).scalar()
    return max(remaining or 0.0, 0.001)


async def remove(connection: Connection, older: timedelta) -> None:
    """Delete the periods that began longer ago than this."""
    await connection.execute(job_polls.delete().where(job_polls.c.opened < func.clock_timestamp() - older))
