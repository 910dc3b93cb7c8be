"""What there is to do now, found by one statement: to look for each of it costs many times as much as to do nothing."""

from dataclasses import dataclass
from datetime import datetime

from strongroom.store.database import Connection, driver

# Each by an index, whatever the planner believes of how many rows there are: hence the orders and the minima.
_LOOK = """
    SELECT
        EXISTS (
            SELECT FROM job_definitions WHERE active AND NOT EXISTS (
                SELECT FROM jobs WHERE jobs.definition = job_definitions.id AND jobs.status = 'SCHEDULED'
            )
        ) AS lacking,
        coalesce((SELECT min(schedule_date) FROM jobs WHERE status = 'SCHEDULED') <= $1, false) AS due,
        (SELECT min(schedule_date) FROM jobs WHERE status = 'SCHEDULED' AND schedule_date > $1) AS following,
        (
            SELECT id FROM jobs WHERE status IN ('SCHEDULED', 'QUEUEING', 'QUEUED', 'RUNNING') AND deadline <= $1
            ORDER BY created_date, id LIMIT 1
        ) IS NOT NULL AS overdue,
        (
            SELECT target FROM webhook_deliveries WHERE state = 'WAITING' ORDER BY target LIMIT 1
        ) IS NOT NULL AS untold
"""


@dataclass(frozen=True)
class Outlook:
    """What there is to do.

    ``lacking``: a definition has no SCHEDULED job. ``due``: the time of one has come; ``following``: when the next
    one's comes. ``overdue``: the deadline of a job has passed. ``untold``: a webhook is to be told of something, if
    perhaps not yet.
    """

    lacking: bool
    due: bool
    following: datetime | None
    overdue: bool
    untold: bool


async def look(connection: Connection, now: datetime) -> Outlook:
    """Look what there is to do."""
    return Outlook(**await (await driver(connection)).fetchrow(_LOOK, now))
