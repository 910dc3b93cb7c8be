"""Rows of jobs as they go forward: taken, counted down and ended, by guarded statements, many jobs at a time.

Rows are locked in the order of their ids, so that two processes never wait for each other in a circle; and no more than
a change of theirs does, since whoever adds to a job's log or tasks holds on to its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, update

from strongroom.domain.job import Job, JobStatus, Link, sources_of
from strongroom.store import job_tasks
from strongroom.store.database import Connection, driver
from strongroom.store.job_tasks import LogEntry
from strongroom.store.jobs import read
from strongroom.store.tables import jobs

_TAKE = """
    WITH taken AS (
        SELECT id FROM jobs
        WHERE id = ANY($1::integer[]) AND (status = 'QUEUEING' OR (whole AND status = ANY($3::text[])))
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET
        attempt = attempt + 1,
        touched = now(),
        status = CASE WHEN whole THEN $4 ELSE status END,
        run_start_date = CASE WHEN whole THEN coalesce(run_start_date, $2) END,
        modified_date = $2
    FROM taken WHERE jobs.id = taken.id
    RETURNING jobs.*
"""

_RUN = """
    WITH first AS (
        SELECT id FROM jobs WHERE id = ANY($1::integer[]) AND status = ANY($3::text[]) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET status = $4, run_start_date = $2, modified_date = $2, touched = now()
    FROM first WHERE jobs.id = first.id
"""

_COUNT = """
    WITH ended AS (
        SELECT * FROM unnest($1::integer[], $2::integer[], $3::integer[]) AS ended (id, tasks, failed)
    ), running AS (
        SELECT jobs.id FROM jobs JOIN ended USING (id) WHERE jobs.status = $4 ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
    )
    UPDATE jobs SET
        open_tasks = open_tasks - ended.tasks,
        failed_tasks = failed_tasks + ended.failed,
        queued_tasks = least(queued_tasks, total_tasks) + ended.tasks,
        touched = now()
    FROM ended JOIN running USING (id) WHERE jobs.id = ended.id
    RETURNING jobs.id, jobs.open_tasks, jobs.queued_tasks - ended.tasks AS sent, jobs.total_tasks, ended.tasks
"""

_END = """
    WITH ended AS (
        SELECT * FROM unnest(
            $1::integer[], $2::integer[], $3::text[], $4::timestamptz[], $5::text[], $6::integer[]
        ) AS ended (id, attempt, status, date, links, failed)
    ), running AS (
        SELECT jobs.id FROM jobs JOIN ended USING (id, attempt)
        WHERE jobs.status = $7 AND jobs.whole ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
    )
    UPDATE jobs SET
        status = ended.status,
        run_end_date = ended.date,
        modified_date = ended.date,
        links = ended.links::jsonb,
        total_tasks = 1,
        failed_tasks = ended.failed,
        touched = now()
    FROM ended JOIN running USING (id) WHERE jobs.id = ended.id
    RETURNING jobs.id
"""


@dataclass(frozen=True)
class Taken:
    """A job that a worker has taken, the number of this try, which guards its writes, and the job's input."""

    job: Job
    attempt: int
    input: dict[str, Any]


async def take(connection: Connection, asked: Sequence[tuple[int, datetime]]) -> list[Taken | None]:
    """Take jobs for one more try; one that runs as a whole is RUNNING by that. None for one that wants no worker."""
    runs = (*sources_of(JobStatus.RUNNING), JobStatus.RUNNING)
    ids = [job_id for job_id, _ in asked]
    rows = await (await driver(connection)).fetch(_TAKE, ids, asked[0][1], runs, JobStatus.RUNNING)
    taken = {row["id"]: Taken(read(row), row["attempt"], row["input"]) for row in rows}
    return [taken.get(job_id) for job_id in ids]


async def run(connection: Connection, job_ids: Sequence[int], now: datetime) -> None:
    """Make those of the jobs RUNNING that are not yet: a first task of theirs begins."""
    sources = sources_of(JobStatus.RUNNING)
    await (await driver(connection)).execute(_RUN, job_ids, now, sources, JobStatus.RUNNING)


async def hold_queueing(connection: Connection, job_id: int, attempt: int) -> bool:
    """Lock the row of a QUEUEING job until the transaction ends; False if a newer try or another status took over."""
    found = await connection.scalar(
        update(jobs)
        .where(jobs.c.id == job_id, jobs.c.status == JobStatus.QUEUEING, jobs.c.attempt == attempt)
        .values(touched=func.now())
        .returning(jobs.c.id)
    )
    return found is not None


@dataclass(frozen=True)
class Left:
    """What is left of a job: how many tasks are open, and the next ones to write a message for."""

    open_tasks: int
    next_tasks: range


async def count_ended(connection: Connection, ended: dict[int, tuple[int, int]]) -> dict[int, Left]:
    """Count tasks of RUNNING jobs as ended: job id -> (how many, failed ones). Others are left out."""
    tasks, failed = [each for each, _ in ended.values()], [each for _, each in ended.values()]
    rows = await (await driver(connection)).fetch(_COUNT, list(ended), tasks, failed, JobStatus.RUNNING)
    return {
        row["id"]: Left(
            row["open_tasks"], range(row["sent"] + 1, min(row["sent"] + row["tasks"], row["total_tasks"]) + 1)
        )
        for row in rows
    }


@dataclass(frozen=True)
class Ending:
    """How a job that ran as a whole ends: under which try, with which status, links, output and last log lines."""

    job_id: int
    attempt: int
    status: JobStatus
    date: datetime
    links: tuple[Link, ...]
    output: dict[str, Any]
    log: LogEntry


async def end_whole(connection: Connection, endings: Sequence[Ending]) -> list[bool]:
    """End jobs that ran as a whole; False for one whose try is not the present one, or that is not RUNNING."""
    columns = [
        [each.job_id for each in endings],
        [each.attempt for each in endings],
        [each.status for each in endings],
        [each.date for each in endings],
        [msgspec.json.encode(each.links).decode() for each in endings],
        [int(each.status is not JobStatus.SUCCESS) for each in endings],
    ]
    rows = await (await driver(connection)).fetch(_END, *columns, JobStatus.RUNNING)
    ended = {row["id"] for row in rows}
    kept = [each for each in endings if each.job_id in ended]
    await job_tasks.add_whole(
        connection, [(each.job_id, each.status is JobStatus.SUCCESS, each.output) for each in kept]
    )
    await job_tasks.add_log(connection, [each.log for each in kept])
    return [each.job_id in ended for each in endings]


async def active_untouched(connection: Connection, seconds: float, most: int) -> Sequence[Any]:
    """Active jobs that no statement has touched for a while: id, status, whole, open and queued tasks."""
    age = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return (
        await connection.execute(
            select(jobs.c.id, jobs.c.status, jobs.c.whole, jobs.c.open_tasks, jobs.c.queued_tasks)
            .where(
                jobs.c.status.in_([JobStatus.QUEUEING, JobStatus.QUEUED, JobStatus.RUNNING]),
                jobs.c.touched < func.now() - age,
            )
            .order_by(jobs.c.touched)
            .limit(most)
        )
    ).all()


async def touch(connection: Connection, job_ids: Sequence[int]) -> None:
    """Note that these jobs have been looked at now."""
    await connection.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(touched=func.now()))
