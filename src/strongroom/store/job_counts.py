"""Where the rows of a page of the history are, and how many rows there are in all, by the counts of each hour.

The exact number of a million rows takes a second to count, and page 10,000 as long to reach. The counts of whole hours
are kept (a trigger sees to it); only the hours that a date filter cuts in two are counted on the spot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from strongroom.domain.job import JobFilter
from strongroom.domain.page import Window
from strongroom.store.database import Connection, driver

_HOUR = timedelta(hours=1)
_TICK = timedelta(microseconds=1)

_CUT = "SELECT count(*) FROM jobs WHERE status = ANY($1::text[]) AND visible AND run_end_date BETWEEN $2 AND $3"
# All sums are exact as integers, and faster than numeric ones: the ids of jobs are integers, too.
_HOURS = """
    WITH hours AS (
        SELECT hour, jobs::integer AS jobs FROM job_hour_counts
        WHERE status = ANY($1::text[]) AND ($2::timestamptz IS NULL OR hour >= $2)
            AND ($3::timestamptz IS NULL OR hour < $3)
        UNION ALL
        SELECT hour, jobs FROM unnest($4::timestamptz[], $5::integer[]) AS cut (hour, jobs)
    )
"""
_COUNT = f"{_HOURS} SELECT coalesce(sum(jobs), 0) FROM hours"  # noqa: S608 - our own text
# Rows of the same hour are peers: each of them has the sum up to the end of that hour.
_LOCATE = f"""
    {_HOURS}, placed AS (SELECT hour, sum(jobs) OVER (ORDER BY hour DESC) AS upto FROM hours)
    SELECT
        coalesce(max(upto), 0) AS total,
        max(hour) FILTER (WHERE upto > $6::bigint) AS newest,
        max(hour) FILTER (WHERE upto >= $6::bigint + $7::bigint) AS oldest,
        coalesce(max(upto) FILTER (WHERE upto <= $6::bigint), 0) AS skipped
    FROM placed
"""  # noqa: S608 - our own text

# Of hours that are over, too: a server that runs for months would have as many rows of each as it has connections.
# What somebody has just changed is left for the next time, so that this waits for nobody while others wait for it.
_FOLD = """
    WITH gone AS (
        DELETE FROM job_hour_counts
        WHERE (hour, status, backend) IN (
            SELECT hour, status, backend FROM job_hour_counts
            WHERE backend <> 0 AND (
                hour < now() - interval '2 hours' OR NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = backend)
            )
            FOR UPDATE SKIP LOCKED
        )
        RETURNING hour, status, jobs
    )
    INSERT INTO job_hour_counts AS counted (hour, status, backend, jobs)
    SELECT hour, status, 0, sum(jobs) FROM gone GROUP BY hour, status ORDER BY hour, status
    ON CONFLICT (hour, status, backend) DO UPDATE SET jobs = counted.jobs + excluded.jobs
"""
# Any number that no other program of this database uses for its advisory locks.
_FOLDING = 7_391_200_147


@dataclass(frozen=True)
class Place:
    """Where the rows of a page are: they ended from ``since`` on and before ``until``, after ``skip`` others there.

    None: there is no such bound. ``total`` counts all rows that the filter lets through.
    """

    total: int
    since: datetime | None
    until: datetime | None
    skip: int


async def locate(connection: Connection, wanted: JobFilter, window: Window) -> Place:
    """Find the place of a page of ended jobs, newest end first."""
    first, last, cut = _split(wanted.start_date, wanted.end_date)
    raw = await driver(connection)
    parts = [await raw.fetchval(_CUT, wanted.statuses, low, high) for low, high in cut]
    counted = (wanted.statuses, first, last, [_floor(low) for low, _ in cut], parts)
    if window.offset == 0:
        return Place(await raw.fetchval(_COUNT, *counted), None, None, 0)
    row = await raw.fetchrow(_LOCATE, *counted, window.offset, window.limit)
    newest = row["newest"]
    until = None if newest is None else newest + _HOUR
    return Place(row["total"], row["oldest"], until, window.offset - row["skipped"])


async def fold(connection: Connection) -> None:
    """Add up the counts of connections that are gone and of hours that are over; one process at a time does so."""
    raw = await driver(connection)
    if await raw.fetchval("SELECT pg_try_advisory_xact_lock($1)", _FOLDING):
        await raw.execute(_FOLD)


def _split(
    start: datetime | None, end: datetime | None
) -> tuple[datetime | None, datetime | None, Sequence[tuple[datetime, datetime]]]:
    """Split a span of time, both ends included, into whole hours and the parts of hours at its ends."""
    first = None if start is None else _floor(start - _TICK) + _HOUR
    last = None if end is None else _floor(end + _TICK)
    if start is not None and end is not None and first is not None and last is not None and first > last:
        return first, first, [(start, end)]
    cut = []
    if start is not None and first is not None and start < first:
        cut.append((start, first - _TICK))
    if end is not None and last is not None and last <= end:
        cut.append((last, end))
    return first, last, cut


def _floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
