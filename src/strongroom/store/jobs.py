"""Rows of jobs: inserted, read, and moved by statements that say "set this status if it is still that one"."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, insert, select, true, update

from strongroom.domain.job import ACTIVE, Job, JobFilter, JobStatus, Link, sources_of
from strongroom.domain.page import Window
from strongroom.store import job_counts
from strongroom.store.database import Connection, driver
from strongroom.store.tables import job_polls, jobs

_ALWAYS: ColumnElement[bool] = true()
# An input may be as long as its request was; only who runs the job reads it.
SHOWN = tuple(column for column in jobs.c if column.name not in {"input", "result"})
_RETRIEVE_MANY = f"SELECT {', '.join(column.name for column in SHOWN)} FROM jobs WHERE id = ANY($1::integer[])"  # noqa: S608 - our own columns
ALL_TASKS_ENDED: ColumnElement[bool] = jobs.c.open_tasks == 0
"""A condition for ``move``: no task is open any more."""


async def add(connection: Connection, values: Sequence[dict[str, Any]]) -> list[Job]:
    """Insert jobs; their ids are given by the database."""
    statement = insert(jobs).returning(*SHOWN, sort_by_parameter_order=True)
    return [read(row) for row in (await connection.execute(statement, values)).mappings()]


async def retrieve_many(connection: Connection, job_ids: Sequence[int]) -> list[Job | None]:
    """Jobs in the order of their ids as given; None for one that there is not."""
    rows = await (await driver(connection)).fetch(_RETRIEVE_MANY, job_ids)
    found = {row["id"]: read(row) for row in rows}
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
        (
            await connection.execute(
                update(jobs)
                .where(jobs.c.id == job_id, jobs.c.status.in_(sources_of(target)), only)
                .values(status=target, touched=func.now(), **values)
                .returning(*SHOWN)
            )
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else read(row)


def read(row: Any) -> Job:
    """Make a job of a row that has the columns ``SHOWN``."""
    return Job(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        status=JobStatus(row["status"]),
        method=row["method"],
        created_by=row["created_by"],
        created_date=row["created_date"],
        modified_by=row["modified_by"],
        modified_date=row["modified_date"],
        run_start_date=row["run_start_date"],
        run_end_date=row["run_end_date"],
        links=tuple(Link(**link) for link in row["links"]),
        scheduled=row["scheduled"],
        sdk=row["sdk"],
        total_tasks=row["total_tasks"],
        open_tasks=row["open_tasks"],
        failed_tasks=row["failed_tasks"],
    )


async def histories(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Ended jobs, newest end first, and how many there are."""
    place = await job_counts.locate(connection, wanted, window)
    if place.until is None:
        return [], place.total
    where = and_(_conditions(wanted, jobs.c.run_end_date), jobs.c.run_end_date < place.until)
    if place.since is not None:
        where = and_(where, jobs.c.run_end_date >= place.since)
    order = select(*SHOWN).where(where).order_by(jobs.c.run_end_date.desc(), jobs.c.id.desc())
    found = await connection.execute(order.limit(window.limit).offset(place.skip))
    return [read(row) for row in found.mappings()], place.total


async def monitors(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Active jobs, next start first, and how many there are."""
    where = _conditions(wanted, jobs.c.created_date)
    start = func.coalesce(jobs.c.run_start_date, jobs.c.created_date)
    return await _page(connection, select(*SHOWN).where(where).order_by(start, jobs.c.id), where, window)


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
    return [read(row) for row in found.mappings()], total or 0
