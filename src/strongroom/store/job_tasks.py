"""Rows of tasks and of the job log."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, exists, func, select, update

from strongroom.domain.job import ACTIVE, JobStatus, LogLine, Task, TaskState, sources_of
from strongroom.domain.page import Window
from strongroom.store.arrays import written
from strongroom.store.database import Connection, driver
from strongroom.store.tables import job_log, job_tasks, jobs

_OPEN = (TaskState.QUEUED, TaskState.RUNNING)

# As in ``job_progress``: what stands in the statement does not make PostgreSQL plan it anew each time.
_BEFORE = written(sources_of(JobStatus.RUNNING))
_CLAIM = f"""
    WITH asked AS (
        SELECT * FROM unnest($1::integer[], $2::integer[]) AS asked (job_id, number)
    ), first AS (
        SELECT id FROM jobs
        WHERE id = ANY(ARRAY(SELECT unnest($1::integer[]))) AND status IN ({_BEFORE})
            AND NOT EXISTS (SELECT FROM job_queues WHERE name = jobs.queue AND NOT delivery)
        ORDER BY id FOR NO KEY UPDATE
    ), begun AS (
        UPDATE jobs SET status = 'RUNNING', run_start_date = $3, modified_date = $3, touched = now()
        FROM first WHERE jobs.id = first.id
        RETURNING jobs.id
    ), open AS (
        SELECT job_id, number FROM job_tasks JOIN asked USING (job_id, number)
        WHERE state IN ('QUEUED', 'RUNNING') AND (
            job_id IN (SELECT id FROM begun)
            OR EXISTS (SELECT FROM jobs WHERE jobs.id = job_id AND jobs.status = 'RUNNING')
        )
        ORDER BY job_id, number FOR NO KEY UPDATE OF job_tasks
    )
    UPDATE job_tasks SET state = 'RUNNING', attempt = attempt + 1, touched = now()
    FROM open WHERE job_tasks.job_id = open.job_id AND job_tasks.number = open.number
    RETURNING job_tasks.job_id, job_tasks.number, job_tasks.attempt, job_tasks.items
"""  # noqa: S608 - our own words

_FINISH = """
    UPDATE job_tasks SET state = ended.state, output = ended.output::jsonb, touched = now()
    FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::text[], $5::text[])
        AS ended (job_id, number, attempt, state, output)
    WHERE job_tasks.job_id = ended.job_id AND job_tasks.number = ended.number
        AND job_tasks.attempt = ended.attempt AND job_tasks.state = $6
        AND EXISTS (SELECT FROM jobs WHERE jobs.id = ended.job_id AND jobs.status = $7)
"""

# The tasks of a batch, beside those that an earlier try has written in their places; the first that differs.
_DIFFERENCE = """
    SELECT min(place)::integer FROM unnest($3::text[]) WITH ORDINALITY AS made (items, place)
    LEFT JOIN job_tasks ON job_id = $1 AND number = $2::integer + place - 1
    WHERE job_tasks.items IS DISTINCT FROM made.items::jsonb
"""

_ADD = """
    INSERT INTO job_tasks (job_id, number, items)
    SELECT $1::integer, $2::integer + place - 1, items::jsonb
    FROM unnest($3::text[]) WITH ORDINALITY AS made (items, place)
"""

# A line is a sign of life, and one in ten seconds is enough; a row that is locked is being touched anyway.
_ADD_LOG = """
    WITH asked AS (
        SELECT * FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::timestamptz[], $5::text[], $6::boolean[])
            WITH ORDINALITY AS asked (job_id, task, attempt, time, text, guarded, place)
    ), silent AS (
        SELECT id FROM jobs
        WHERE id IN (SELECT job_id FROM asked WHERE guarded) AND status = ANY($7::text[])
            AND touched < now() - interval '10 seconds'
        ORDER BY id FOR NO KEY UPDATE SKIP LOCKED
    ), touched AS (
        UPDATE jobs SET touched = now() FROM silent WHERE jobs.id = silent.id
    ), active AS (
        SELECT id FROM jobs WHERE id IN (SELECT job_id FROM asked WHERE guarded) AND status = ANY($7::text[])
    ), added AS (
        INSERT INTO job_log (job_id, task, attempt, time, text)
        SELECT job_id, task, attempt, time, text FROM asked
        WHERE NOT guarded OR job_id IN (SELECT id FROM active) ORDER BY place
    )
    SELECT id FROM active
"""


async def add(connection: Connection, job_id: int, first_number: int, tasks: Sequence[str]) -> None:
    """Write tasks, numbered from ``first_number``; each is the list of its items, as JSON."""
    await (await driver(connection)).execute(_ADD, job_id, first_number, tasks)


async def same(connection: Connection, job_id: int, first_number: int, tasks: Sequence[str]) -> int:
    """How many of these tasks, from the first on, are there already and have the same items."""
    place: int | None = await (await driver(connection)).fetchval(_DIFFERENCE, job_id, first_number, tasks)
    return len(tasks) if place is None else place - 1


async def remove_from(connection: Connection, job_id: int, number: int) -> None:
    """Delete the tasks that an earlier try at QUEUEING has written, from this number on."""
    await connection.execute(delete(job_tasks).where(job_tasks.c.job_id == job_id, job_tasks.c.number >= number))


async def claim(connection: Connection, asked: Sequence[tuple[int, int, datetime]]) -> list[Task | None]:
    """Take open tasks, by job id, number and time, for one more try; None where there is nothing to do.

    The first task of a job makes it RUNNING, and only tasks of RUNNING jobs are open.
    """
    rows = await (await driver(connection)).fetch(
        _CLAIM,
        [job_id for job_id, _, _ in asked],
        [number for _, number, _ in asked],
        asked[0][2],
    )
    taken = {
        (row["job_id"], row["number"]): Task(
            row["job_id"], row["number"], TaskState.RUNNING, row["attempt"], row["items"]
        )
        for row in rows
    }
    return [taken.get((job_id, number)) for job_id, number, _ in asked]


@dataclass(frozen=True)
class Finished:
    """A task that has been worked on: the try that did it, its state and its output."""

    task: Task
    state: TaskState
    output: dict[str, Any]


async def finish(connection: Connection, finished: Sequence[Finished]) -> bool:
    """End tasks of which the tries given still hold each; False, and nothing of use is written, if one does not."""
    columns = [
        [each.task.job_id for each in finished],
        [each.task.number for each in finished],
        [each.task.attempt for each in finished],
        [each.state for each in finished],
        [msgspec.json.encode(each.output).decode() for each in finished],
    ]
    done: str = await (await driver(connection)).execute(_FINISH, *columns, TaskState.RUNNING, JobStatus.RUNNING)
    return int(done.rpartition(" ")[2]) == len(finished)


async def put_back(connection: Connection, task: Task) -> bool:
    """Make a task QUEUED again of which the try given still holds; False if it does not, or its job has ended."""
    change = (
        update(job_tasks)
        .where(
            job_tasks.c.job_id == task.job_id,
            job_tasks.c.number == task.number,
            job_tasks.c.attempt == task.attempt,
            job_tasks.c.state == TaskState.RUNNING,
            exists().where(jobs.c.id == task.job_id, jobs.c.status == JobStatus.RUNNING),
        )
        .values(state=TaskState.QUEUED, touched=func.now())
    )
    return await connection.scalar(change.returning(job_tasks.c.number)) is not None


async def open_numbers(connection: Connection, job_id: int, up_to: int) -> list[int]:
    """The numbers of the open tasks whose message has been written once."""
    rows = await connection.scalars(
        select(job_tasks.c.number)
        .where(job_tasks.c.job_id == job_id, job_tasks.c.number <= up_to, job_tasks.c.state.in_(_OPEN))
        .order_by(job_tasks.c.number)
    )
    return list(rows)


async def page(connection: Connection, job_id: int, window: Window) -> tuple[list[Task], int]:
    """The tasks of a job in order, without items and output, and how many there are."""
    columns = (job_tasks.c.job_id, job_tasks.c.number, job_tasks.c.state, job_tasks.c.attempt)
    where = job_tasks.c.job_id == job_id
    total = await connection.scalar(select(func.count()).select_from(job_tasks).where(where))
    rows = await connection.execute(
        select(*columns).where(where).order_by(job_tasks.c.number).limit(window.limit).offset(window.offset)
    )
    return [Task(row.job_id, row.number, TaskState(row.state), row.attempt, []) for row in rows], total or 0


async def counts_of(connection: Connection, job_ids: Sequence[int]) -> list[dict[TaskState, int]]:
    """How many tasks of each of these jobs are in each state."""
    rows = await connection.execute(
        select(job_tasks.c.job_id, job_tasks.c.state, func.count())
        .where(job_tasks.c.job_id.in_(set(job_ids)))
        .group_by(job_tasks.c.job_id, job_tasks.c.state)
    )
    found: dict[int, dict[TaskState, int]] = {job_id: {} for job_id in job_ids}
    for job_id, state, count in rows:
        found[job_id][TaskState(state)] = count
    return [found[job_id] for job_id in job_ids]


async def outputs(
    connection: Connection, job_id: int, states: Sequence[TaskState], after: int, most: int
) -> list[Task]:
    """Tasks of a job in these states whose number is above ``after``, in order and with their output."""
    columns = (job_tasks.c.job_id, job_tasks.c.number, job_tasks.c.state, job_tasks.c.attempt, job_tasks.c.output)
    rows = await connection.execute(
        select(*columns)
        .where(job_tasks.c.job_id == job_id, job_tasks.c.number > after, job_tasks.c.state.in_(states))
        .order_by(job_tasks.c.number)
        .limit(most)
    )
    return [Task(row.job_id, row.number, TaskState(row.state), row.attempt, [], row.output) for row in rows]


@dataclass(frozen=True)
class LogEntry:
    """Lines for the log of a job, written at one moment; ``task`` is the number of the task that they are about.

    ``guarded``: they are refused when the job has ended, and show that it lives when it has not.
    """

    job_id: int
    time: datetime
    text: str
    task: int | None = None
    attempt: int = 0
    guarded: bool = True


async def add_log(connection: Connection, entries: Sequence[LogEntry]) -> list[bool]:
    """Add to the logs of jobs: a row for each entry, however many lines it has; False for one that is refused."""
    rows = await (await driver(connection)).fetch(
        _ADD_LOG,
        [entry.job_id for entry in entries],
        [entry.task for entry in entries],
        [entry.attempt for entry in entries],
        [entry.time for entry in entries],
        [entry.text for entry in entries],
        [entry.guarded for entry in entries],
        ACTIVE,
    )
    active = {row["id"] for row in rows}
    return [not entry.guarded or entry.job_id in active for entry in entries]


async def read_log(connection: Connection, job_id: int, after: int, up_to: int, limit: int) -> list[LogLine]:
    """Lines of a job's log whose id is above ``after``, in order; those of one entry have the same id."""
    where = (job_log.c.job_id == job_id, job_log.c.id > after, job_log.c.id <= up_to)
    rows = await connection.execute(select(job_log).where(*where).order_by(job_log.c.id).limit(limit))
    return [LogLine(row.id, row.time, line, row.task) for row in rows for line in row.text.splitlines() or [""]]
