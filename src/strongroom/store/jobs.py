"""Rows of jobs: inserted, read, and moved by statements that say "set this status if it is still that one"."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, select, true, update

from strongroom.domain.job import ACTIVE, Job, JobFilter, JobStatus, Link, sources_of
from strongroom.domain.page import Window
from strongroom.store.database import Connection
from strongroom.store.tables import job_polls, jobs

_ALWAYS: ColumnElement[bool] = true()
# An input may be as long as its request was; only who runs the job reads it.
_SHOWN = tuple(column for column in jobs.c if column.name not in {"input", "result"})
ALL_TASKS_ENDED: ColumnElement[bool] = jobs.c.open_tasks == 0
"""A condition for ``move``: no task is open any more."""


async def add(connection: Connection, values: dict[str, Any]) -> Job:
    """Insert a job; its id is given by the database."""
    row = (await connection.execute(insert(jobs).values(**values).returning(*_SHOWN))).one()
    return _job(row)


async def retrieve(connection: Connection, job_id: int) -> Job | None:
    """One job, or None."""
    row = (await connection.execute(select(*_SHOWN).where(jobs.c.id == job_id))).one_or_none()
    return None if row is None else _job(row)


async def retrieve_many(connection: Connection, job_ids: Sequence[int]) -> list[Job | None]:
    """Jobs in the order of their ids as given; None for one that there is not."""
    rows = await connection.execute(select(*_SHOWN).where(jobs.c.id.in_(job_ids)))
    found = {row.id: _job(row) for row in rows}
    return [found.get(job_id) for job_id in job_ids]


async def retrieve_input(connection: Connection, job_id: int) -> dict[str, Any]:
    """What the client asked for, as the job's kind declares it."""
    given: dict[str, Any] = (await connection.execute(select(jobs.c.input).where(jobs.c.id == job_id))).scalar_one()
    return given


async def move(
    connection: Connection, job_id: int, target: JobStatus, values: dict[str, Any], only: ColumnElement[bool] = _ALWAYS
) -> Job | None:
    """Move a job to ``target`` if that is a legal move from where it is and ``only`` holds; else give None."""
    row = (
        await connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status.in_(sources_of(target)), only)
            .values(status=target, touched=func.now(), **values)
            .returning(*_SHOWN)
        )
    ).one_or_none()
    return None if row is None else _job(row)


async def begin_queueing(connection: Connection, job_id: int) -> tuple[Job, int] | None:
    """Take a QUEUEING job for one more try; gives the job and the number of the try, which guards its writes."""
    row = (
        await connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == JobStatus.QUEUEING)
            .values(attempt=jobs.c.attempt + 1, touched=func.now())
            .returning(*_SHOWN)
        )
    ).one_or_none()
    return None if row is None else (_job(row), row.attempt)


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
    """What is left of a job: how many tasks are open, and the next one without a message, if any."""

    open_tasks: int
    next_task: int | None


async def end_task(connection: Connection, job_id: int, *, failed: bool) -> Left | None:
    """Count one task of a RUNNING job as ended, and take the next one to be sent for; None if it is not RUNNING."""
    row = (
        await connection.execute(
            update(jobs)
            .where(jobs.c.id == job_id, jobs.c.status == JobStatus.RUNNING)
            .values(
                open_tasks=jobs.c.open_tasks - 1,
                failed_tasks=jobs.c.failed_tasks + (1 if failed else 0),
                # One beyond the total once all have been sent for: then there is no next one.
                queued_tasks=func.least(jobs.c.queued_tasks, jobs.c.total_tasks) + 1,
                touched=func.now(),
            )
            .returning(jobs.c.open_tasks, jobs.c.queued_tasks, jobs.c.total_tasks)
        )
    ).one_or_none()
    if row is None:
        return None
    return Left(row.open_tasks, row.queued_tasks if row.queued_tasks <= row.total_tasks else None)


async def histories(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Ended jobs, newest end first, and how many there are."""
    where = _conditions(wanted, jobs.c.run_end_date)
    order = select(*_SHOWN).where(where).order_by(jobs.c.run_end_date.desc(), jobs.c.id.desc())
    return await _page(connection, order, where, window)


async def monitors(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Active jobs, next start first, and how many there are."""
    where = _conditions(wanted, jobs.c.created_date)
    start = func.coalesce(jobs.c.run_start_date, jobs.c.created_date)
    return await _page(connection, select(*_SHOWN).where(where).order_by(start, jobs.c.id), where, window)


async def active_untouched(connection: Connection, seconds: float, most: int) -> Sequence[Any]:
    """Active jobs that no statement has touched for a while: id, status, open and queued tasks."""
    age = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return (
        await connection.execute(
            select(jobs.c.id, jobs.c.status, jobs.c.open_tasks, jobs.c.queued_tasks)
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


async def forget_polls(connection: Connection, before: datetime) -> None:
    """Delete the notes of status polls whose period is long over."""
    await connection.execute(job_polls.delete().where(job_polls.c.opened < before))


def _conditions(wanted: JobFilter, moment: ColumnElement[datetime]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [jobs.c.status.in_(wanted.statuses)]
    if wanted.start_date is not None:
        conditions.append(moment >= wanted.start_date)
    if wanted.end_date is not None:
        conditions.append(moment <= wanted.end_date)
    if set(wanted.statuses) <= set(ACTIVE):
        # Said once more in the words of the partial index, so that it is used.
        conditions.append(jobs.c.status.in_(["SCHEDULED", "QUEUEING", "QUEUED", "RUNNING"]))
    return and_(*conditions)


async def _page(
    connection: Connection, statement: Select[Any], where: ColumnElement[bool], window: Window
) -> tuple[list[Job], int]:
    total = await connection.scalar(select(func.count()).select_from(jobs).where(where))
    found = await connection.execute(statement.limit(window.limit).offset(window.offset))
    return [_job(row) for row in found], total or 0


def _job(row: Row[Any]) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        title=row.title,
        status=JobStatus(row.status),
        method=row.method,
        created_by=row.created_by,
        created_date=row.created_date,
        modified_by=row.modified_by,
        modified_date=row.modified_date,
        run_start_date=row.run_start_date,
        run_end_date=row.run_end_date,
        links=tuple(Link(**link) for link in row.links),
        scheduled=row.scheduled,
        sdk=row.sdk,
        total_tasks=row.total_tasks,
        open_tasks=row.open_tasks,
        failed_tasks=row.failed_tasks,
    )


def link_rows(links: Sequence[Link]) -> list[dict[str, str]]:
    """Links as the job row keeps them."""
    return [asdict(link) for link in links]
