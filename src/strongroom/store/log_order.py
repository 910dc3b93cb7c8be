"""Up to which line the logs of jobs are whole.

A line has a number before it can be seen, and one with a higher number may be seen first. To go by the number of the
last line would lose the other. But once all who were writing lines at one moment have ended, no line can turn up any
more below the newest number of that moment.
"""

import time
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

LONGEST = 10.0
"""Seconds that lines are held back by who is writing: whatever it does for so long, it does not write a log."""

# Read before, and not with, those who write: a number that is given out later must not count as one of theirs.
_NEWEST = "SELECT last_value FROM job_log_id_seq"

# Each insert holds this lock before it takes a number, until what it has written can be seen.
_WRITING = """
    SELECT coalesce(array_agg(virtualtransaction), '{}') FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'job_log'::regclass AND mode = 'RowExclusiveLock' AND granted
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Mark:
    """The highest number that any line had at a moment, and the transactions that were writing lines then."""

    newest: int
    writing: frozenset[str]
    moment: float = field(default_factory=time.monotonic)

    def is_whole(self, later: "Mark") -> bool:
        """Tell whether who looks after ``later``, which may be this moment, sees every line up to the newest."""
        return not self.writing & later.writing or later.moment - self.moment > LONGEST


async def mark(connection: AsyncConnection) -> Mark:
    """Look how far the logs have come, and who writes; the transaction of the connection itself does not count."""
    reader: Any = (await connection.get_raw_connection()).driver_connection
    newest: int = await reader.fetchval(_NEWEST)
    return Mark(newest, frozenset(await reader.fetchval(_WRITING)))
