"""Rows of jobs as they go forward: taken, counted down and ended, by guarded statements, many jobs at a time.

Rows are locked in the order of their ids, so that two processes never wait for each other in a circle; and no more than
a change of theirs does, since whoever adds to a job's log or tasks holds on to its key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import func, select, text, update

from strongroom.domain.job import ACTIVE, Job, JobStatus, Link, TaskState, sources_of
from strongroom.store.arrays import written
from strongroom.store.database import Connection, driver
from strongroom.store.jobs import read
from strongroom.store.tables import jobs

# The statuses stand in the statement, and the ids in a subquery: with their number in sight PostgreSQL would make a
# plan for just these, each time, which takes longer than to take them.
_RUNS = written((*sources_of(JobStatus.RUNNING), JobStatus.RUNNING))
_TAKE = f"""
    WITH taken AS (
        SELECT id FROM jobs
        WHERE id = ANY(ARRAY(SELECT unnest($1::integer[]))) AND (
            status = 'QUEUEING' OR (
                whole AND status IN ({_RUNS}) AND (
                    status = 'RUNNING' OR NOT EXISTS (SELECT FROM job_queues WHERE name = jobs.queue AND NOT delivery)
                )
            )
        )
        ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE jobs SET
        attempt = attempt + 1,
        touched = now(),
        status = CASE WHEN whole THEN 'RUNNING' ELSE status END,
        run_start_date = CASE WHEN whole THEN coalesce(run_start_date, $2) END,
        modified_date = $2
    FROM taken WHERE jobs.id = taken.id
    RETURNING jobs.*
"""  # noqa: S608 - our own words

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
    WITH ending AS (
        SELECT * FROM unnest(
            $1::integer[], $2::integer[], $3::text[], $4::timestamptz[], $5::text[], $6::text[], $7::text[],
            $8::timestamptz[], $9::text[]
        ) AS ending (id, attempt, status, date, links, state, output, logged, log)
    ), running AS (
        SELECT jobs.id FROM jobs JOIN ending USING (id, attempt)
        WHERE jobs.status = $10 AND jobs.whole ORDER BY jobs.id FOR NO KEY UPDATE OF jobs
    ), ended AS (
        UPDATE jobs SET
            status = ending.status,
            run_end_date = ending.date,
            modified_date = ending.date,
            links = ending.links::jsonb,
            total_tasks = 1,
            failed_tasks = (ending.state = $11)::integer,
            touched = now()
        FROM ending JOIN running USING (id) WHERE jobs.id = ending.id
        RETURNING jobs.id
    ), logged AS (
        INSERT INTO job_log (job_id, time, text) SELECT id, logged, log FROM ending JOIN ended USING (id)
    ), outputs AS (
        INSERT INTO job_tasks (job_id, number, state, attempt, items, output)
        SELECT id, 1, state, attempt, '[]', output::jsonb FROM ending JOIN ended USING (id) WHERE output IS NOT NULL
    )
    SELECT id FROM ended
"""

_UNTOUCHED = text(
    """
    SELECT id, status, whole, open_tasks, queued_tasks FROM jobs
    WHERE status IN ('QUEUEING', 'QUEUED', 'RUNNING')
        AND touched < now() - make_interval(secs => :seconds) AND looked < now() - make_interval(secs => :seconds)
        AND (status <> 'QUEUED' OR NOT EXISTS (SELECT FROM job_queues WHERE name = jobs.queue AND NOT delivery))
    ORDER BY looked LIMIT :most
    """
)


@dataclass(frozen=True)
class Taken:
    """A job that a worker has taken, the number of this try, which guards its writes, and the job's input."""

    job: Job
    attempt: int
    input: dict[str, Any]


async def take(connection: Connection, asked: Sequence[tuple[int, datetime]]) -> list[Taken | None]:
    """Take jobs for one more try; one that runs as a whole is RUNNING by that. None for one that wants no worker."""
    ids = [job_id for job_id, _ in asked]
    rows = await (await driver(connection)).fetch(_TAKE, ids, asked[0][1])
    taken = {row["id"]: Taken(read(row), row["attempt"], row["input"]) for row in rows}
    return [taken.get(job_id) for job_id in ids]


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
    """How a job that ran as a whole ends: its try, the state and output of its task, its links and last log lines."""

    job_id: int
    attempt: int
    state: TaskState
    date: datetime
    links: tuple[Link, ...]
    output: dict[str, Any]
    logged: datetime
    log: str

    @property
    def status(self) -> JobStatus:
        """The status of the job."""
        return JobStatus.SUCCESS if self.state is TaskState.SUCCESS else JobStatus.ERRORS_ENCOUNTERED


async def end_whole(connection: Connection, endings: Sequence[Ending]) -> list[bool]:
    """End jobs that ran as a whole; False for one whose try is not the present one, or that is not RUNNING."""
    rows = await (await driver(connection)).fetch(
        _END,
        [each.job_id for each in endings],
        [each.attempt for each in endings],
        [each.status for each in endings],
        [each.date for each in endings],
        [_json(each.links) for each in endings],
        [each.state for each in endings],
        [_json(each.output) if each.output else None for each in endings],
        [each.logged for each in endings],
        [each.log for each in endings],
        JobStatus.RUNNING,
        TaskState.ERRORS_ENCOUNTERED,
    )
    ended = {row["id"] for row in rows}
    return [each.job_id in ended for each in endings]


async def active_among(connection: Connection, job_ids: Sequence[int]) -> set[int]:
    """Those of these jobs that are active."""
    found = await connection.scalars(select(jobs.c.id).where(jobs.c.id.in_(job_ids), jobs.c.status.in_(ACTIVE)))
    return set(found)


async def active_untouched(connection: Connection, seconds: float, most: int) -> Sequence[Any]:
    """Active jobs that no statement has touched for a while: id, status, whole, open and queued tasks.

    Those that wait for the delivery of their queue are left out.
    """
    return (await connection.execute(_UNTOUCHED, {"seconds": float(seconds), "most": most})).all()


async def note_looked(connection: Connection, job_ids: Sequence[int]) -> None:
    """Note that these jobs have been looked at now, which is no sign of life of theirs."""
    await connection.execute(update(jobs).where(jobs.c.id.in_(job_ids)).values(looked=func.now()))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
