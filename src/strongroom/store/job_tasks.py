"""Rows of tasks and of the job log."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from strongroom.domain.job import JobStatus, LogLine, Task, TaskState
from strongroom.domain.page import Window
from strongroom.store.database import Connection
from strongroom.store.tables import job_log, job_tasks, jobs

_OPEN = (TaskState.QUEUED, TaskState.RUNNING)


async def add(connection: Connection, job_id: int, first_number: int, tasks: Sequence[list[dict[str, Any]]]) -> None:
    """Write tasks, numbered from ``first_number``; each is the list of its items."""
    await connection.execute(
        insert(job_tasks),
        [{"job_id": job_id, "number": first_number + n, "items": items} for n, items in enumerate(tasks)],
    )


async def remove_all(connection: Connection, job_id: int) -> None:
    """Delete what an earlier try at QUEUEING has written."""
    await connection.execute(delete(job_tasks).where(job_tasks.c.job_id == job_id))


async def claim(connection: Connection, job_id: int, number: int) -> Task | None:
    """Take an open task of a RUNNING job for one more try; None if there is nothing to do."""
    running = select(jobs.c.id).where(jobs.c.id == job_id, jobs.c.status == JobStatus.RUNNING).exists()
    row = (
        await connection.execute(
            update(job_tasks)
            .where(job_tasks.c.job_id == job_id, job_tasks.c.number == number, job_tasks.c.state.in_(_OPEN), running)
            .values(state=TaskState.RUNNING, attempt=job_tasks.c.attempt + 1, touched=func.now())
            .returning(job_tasks)
        )
    ).one_or_none()
    return None if row is None else _task(row)


async def finish(connection: Connection, task: Task, state: TaskState, output: dict[str, Any]) -> bool:
    """End a task if this try still holds it; False if another one has taken over."""
    found = await connection.scalar(
        update(job_tasks)
        .where(
            job_tasks.c.job_id == task.job_id,
            job_tasks.c.number == task.number,
            job_tasks.c.state == TaskState.RUNNING,
            job_tasks.c.attempt == task.attempt,
        )
        .values(state=state, output=output, touched=func.now())
        .returning(job_tasks.c.number)
    )
    return found is not None


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


async def add_log(
    connection: Connection, job_id: int, lines: Sequence[tuple[datetime, str]], task: Task | None
) -> None:
    """Add lines to a job's log."""
    number, attempt = (None, 0) if task is None else (task.number, task.attempt)
    await connection.execute(
        insert(job_log),
        [{"job_id": job_id, "task": number, "attempt": attempt, "time": time, "text": text} for time, text in lines],
    )


async def read_log(connection: Connection, job_id: int, after: int, limit: int) -> list[LogLine]:
    """Lines of a job's log whose id is above ``after``, in order."""
    rows = await connection.execute(
        select(job_log).where(job_log.c.job_id == job_id, job_log.c.id > after).order_by(job_log.c.id).limit(limit)
    )
    return [LogLine(row.id, row.time, row.text, row.task) for row in rows]


def _task(row: Row[Any]) -> Task:
    return Task(row.job_id, row.number, TaskState(row.state), row.attempt, row.items, row.output)
