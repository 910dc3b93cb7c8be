"""Counts of calls in windows of time: one upsert each, in the time of the database's clock."""

from sqlalchemy import func, text

from strongroom.store.database import Connection
from strongroom.store.tables import call_counts

_ADD = text(
    """
    INSERT INTO call_counts AS counted (subject, ends, calls)
    VALUES (:subject, clock_timestamp() + make_interval(secs => :window), :calls)
    ON CONFLICT (subject) DO UPDATE SET
        ends = CASE WHEN counted.ends <= excluded.ends - make_interval(secs => :window)
            THEN excluded.ends ELSE counted.ends END,
        calls = CASE WHEN counted.ends <= excluded.ends - make_interval(secs => :window)
            THEN excluded.calls ELSE counted.calls + excluded.calls END
    RETURNING calls, extract(epoch FROM ends - clock_timestamp())::float8
    """
)


async def add(connection: Connection, subject: bytes, calls: int, window: float) -> tuple[int, float]:
    """Count calls, in a new window of ``window`` seconds if none is open.

    Gives all calls of the window, these included, and the seconds that are left of it.
    """
    total, left = (await connection.execute(_ADD, {"subject": subject, "calls": calls, "window": window})).one()
    return total, max(left, 0.0)


async def remove_ended(connection: Connection) -> None:
    """Delete the windows that are over."""
    await connection.execute(call_counts.delete().where(call_counts.c.ends <= func.clock_timestamp()))
