"""Rows of tasks and of the job log."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, func, insert, select

from strongroom.domain.job import JobStatus, LogLine, Task, TaskState, sources_of
from strongroom.domain.page import Window
from strongroom.store.database import Connection, driver
from strongroom.store.tables import job_log, job_tasks

_OPEN = (TaskState.QUEUED, TaskState.RUNNING)

_CLAIM = """
    WITH asked AS (
        SELECT * FROM unnest($1::integer[], $2::integer[]) AS asked (job_id, number)
    ), first AS (
        SELECT id FROM jobs
        WHERE id = ANY($1::integer[]) AND status = ANY($3::text[])
            AND NOT EXISTS (SELECT FROM job_queues WHERE name = jobs.queue AND NOT delivery)
        ORDER BY id FOR NO KEY UPDATE
    ), begun AS (
        UPDATE jobs SET status = $4, run_start_date = $5, modified_date = $5, touched = now()
        FROM first WHERE jobs.id = first.id
        RETURNING jobs.id
    ), open AS (
        SELECT job_id, number FROM job_tasks JOIN asked USING (job_id, number)
        WHERE state = ANY($6::text[]) AND (
            job_id IN (SELECT id FROM begun) OR EXISTS (SELECT FROM jobs WHERE jobs.id = job_id AND jobs.status = $4)
        )
        ORDER BY job_id, number FOR NO KEY UPDATE OF job_tasks
    )
    UPDATE job_tasks SET state = $7, attempt = attempt + 1, touched = now()
    FROM open WHERE job_tasks.job_id = open.job_id AND job_tasks.number = open.number
    RETURNING job_tasks.job_id, job_tasks.number, job_tasks.attempt, job_tasks.items
"""

_FINISH = """
    UPDATE job_tasks SET state = ended.state, output = ended.output::jsonb, touched = now()
    FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::text[], $5::text[])
        AS ended (job_id, number, attempt, state, output)
    WHERE job_tasks.job_id = ended.job_id AND job_tasks.number = ended.number
        AND job_tasks.attempt = ended.attempt AND job_tasks.state = $6
"""

_ADD_LOG = """
    INSERT INTO job_log (job_id, task, attempt, time, text)
    SELECT * FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::timestamptz[], $5::text[])
"""


async def add(connection: Connection, job_id: int, first_number: int, tasks: Sequence[list[dict[str, Any]]]) -> None:
    """Write tasks, numbered from ``first_number``; each is the list of its items."""
    await connection.execute(
        insert(job_tasks),
        [{"job_id": job_id, "number": first_number + n, "items": items} for n, items in enumerate(tasks)],
    )


async def remove_all(connection: Connection, job_id: int) -> None:
    """Delete what an earlier try at QUEUEING has written."""
    await connection.execute(delete(job_tasks).where(job_tasks.c.job_id == job_id))


async def claim(connection: Connection, asked: Sequence[tuple[int, int, datetime]]) -> list[Task | None]:
    """Take open tasks, by job id, number and time, for one more try; None where there is nothing to do.

    The first task of a job makes it RUNNING, and only tasks of RUNNING jobs are open.
    """
    rows = await (await driver(connection)).fetch(
        _CLAIM,
        [job_id for job_id, _, _ in asked],
        [number for _, number, _ in asked],
        sources_of(JobStatus.RUNNING),
        JobStatus.RUNNING,
        asked[0][2],
        _OPEN,
        TaskState.RUNNING,
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
    done: str = await (await driver(connection)).execute(_FINISH, *columns, TaskState.RUNNING)
    return int(done.rpartition(" ")[2]) == len(finished)


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


async def counts(connection: Connection, job_id: int) -> dict[TaskState, int]:
    """How many tasks of a job are in each state."""
    rows = await connection.execute(
        select(job_tasks.c.state, func.count()).where(job_tasks.c.job_id == job_id).group_by(job_tasks.c.state)
    )
    return {TaskState(state): count for state, count in rows}


async def outputs(connection: Connection, job_id: int, states: Sequence[TaskState]) -> AsyncIterator[Task]:
    """The tasks of a job in these states, in order and with their output, read a few at a time."""
    columns = (job_tasks.c.job_id, job_tasks.c.number, job_tasks.c.state, job_tasks.c.attempt, job_tasks.c.output)
    last = 0
    while True:
        rows = (
            await connection.execute(
                select(*columns)
                .where(job_tasks.c.job_id == job_id, job_tasks.c.number > last, job_tasks.c.state.in_(states))
                .order_by(job_tasks.c.number)
                .limit(100)
            )
        ).all()
        for row in rows:
            yield Task(row.job_id, row.number, TaskState(row.state), row.attempt, [], row.output)
        if not rows:
            return
        last = rows[-1].number


@dataclass(frozen=True)
class LogEntry:
    """Lines for the log of a job, written at one moment; ``task`` is the number of the task that they are about."""

    job_id: int
    time: datetime
    text: str
    task: int | None = None
    attempt: int = 0


async def add_log(connection: Connection, entries: Sequence[LogEntry]) -> list[None]:
    """Add to the logs of jobs: a row for each entry, however many lines it has."""
    await (await driver(connection)).execute(
        _ADD_LOG,
        [entry.job_id for entry in entries],
        [entry.task for entry in entries],
        [entry.attempt for entry in entries],
        [entry.time for entry in entries],
        [entry.text for entry in entries],
    )
    return [None] * len(entries)


async def read_log(connection: Connection, job_id: int, after: int, limit: int) -> list[LogLine]:
    """Lines of a job's log whose id is above ``after``, in order; those of one entry have the same id."""
    rows = await connection.execute(
        select(job_log).where(job_log.c.job_id == job_id, job_log.c.id > after).order_by(job_log.c.id).limit(limit)
    )
    return [LogLine(row.id, row.time, line, row.task) for row in rows for line in row.text.splitlines() or [""]]
