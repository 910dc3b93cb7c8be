"""Rows of jobs: inserted, read, and moved by statements that say "set this status if it is still that one"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, and_, exists, func, select, true, update

from strongroom.domain.job import ACTIVE, Job, JobFilter, JobStatus, JobTraits, Link, sources_of
from strongroom.domain.page import Window
from strongroom.domain.webhook import NewWebhook
from strongroom.store import job_counts
from strongroom.store.database import Connection, driver
from strongroom.store.tables import job_queues, jobs

_ALWAYS: ColumnElement[bool] = true()
# An input may be as long as its request was; only who runs the job reads it, and the engine its own columns.
_HIDDEN = {"input", "result", "queued_tasks", "whole", "attempt", "touched", "looked", "deadline", "visible"}
SHOWN = tuple(column for column in jobs.c if column.name not in _HIDDEN | {"definition_version"})
_RETRIEVE = f"SELECT {', '.join(column.name for column in SHOWN)} FROM jobs WHERE id"  # noqa: S608 - our own columns
_RETRIEVE_ONE, _RETRIEVE_MANY = f"{_RETRIEVE} = $1::integer", f"{_RETRIEVE} = ANY($1::integer[])"
_ADDED = {
    "kind": "text",
    "title": "text",
    "status": "text",
    "method": "text",
    "input": "text",
    "created_by": "integer",
    "created_date": "timestamptz",
    "schedule_date": "timestamptz",
    "deadline": "timestamptz",
    "definition": "integer",
    "definition_version": "integer",
    "sdk": "boolean",
    "whole": "boolean",
    "queue": "text",
    "cancellable": "boolean",
    "idempotent": "boolean",
    "visible": "boolean",
    "code_sha256": "text",
}
_ADD = f"""
    WITH given AS (
        SELECT nextval(pg_get_serial_sequence('jobs', 'id'))::integer AS id, new.*
        FROM unnest({", ".join(f"${n}::{kind}[]" for n, kind in enumerate(_ADDED.values(), 1))})
            WITH ORDINALITY AS new ({", ".join(_ADDED)}, place)
    ), added AS (
        INSERT INTO jobs (id, modified_by, modified_date, scheduled, {", ".join(_ADDED)}) OVERRIDING SYSTEM VALUE
        SELECT id, created_by, created_date, definition IS NOT NULL,
            {", ".join("input::jsonb" if name == "input" else name for name in _ADDED)}
        FROM given
    )
    SELECT id FROM given ORDER BY place
"""  # noqa: S608 - our own columns
ALL_TASKS_ENDED: ColumnElement[bool] = jobs.c.open_tasks == 0
"""A condition for ``move``: no task is open any more."""
QUEUED: ColumnElement[bool] = jobs.c.status == JobStatus.QUEUED
"""A condition for ``move``: it is QUEUED, and not what else may move to the target."""
DELIVERED: ColumnElement[bool] = ~exists().where(job_queues.c.name == jobs.c.queue, ~job_queues.c.delivery)
"""A condition for ``move``: the delivery of its queue is not disabled."""


@dataclass(frozen=True)
class NewJob:
    """A job to be written; ``input`` is what its kind declares, as JSON can hold it.

    ``planned``: when it is to start, of an instance of a definition, which is given by its id and version.
    ``webhook``: who is told of its further statuses.
    """

    traits: JobTraits
    status: JobStatus
    input: dict[str, Any]
    user: int
    date: datetime
    deadline: datetime | None
    method: str | None = None
    planned: datetime | None = None
    definition: int | None = None
    definition_version: int | None = None
    webhook: NewWebhook | None = None

    def values(self) -> dict[str, Any]:
        """Its columns, in the order of ``_ADDED``."""
        traits = self.traits
        return {
            "kind": traits.kind,
            "title": traits.title,
            "status": self.status,
            "method": self.method,
            "input": msgspec.json.encode(self.input).decode(),
            "created_by": self.user,
            "created_date": self.date,
            "schedule_date": self.planned,
            "deadline": self.deadline,
            "definition": self.definition,
            "definition_version": self.definition_version,
            "sdk": traits.sdk,
            "whole": traits.whole,
            "queue": traits.queue,
            "cancellable": traits.cancellable,
            "idempotent": traits.idempotent,
            "visible": traits.visible,
            "code_sha256": traits.code_sha256,
        }


async def add(connection: Connection, new: Sequence[NewJob]) -> list[Job]:
    """Insert jobs; their ids are given by the database."""
    columns = zip(*(each.values().values() for each in new), strict=True)
    rows = await (await driver(connection)).fetch(_ADD, *(list(column) for column in columns))
    return [_added(row["id"], each) for row, each in zip(rows, new, strict=True)]


async def retrieve_many(connection: Connection, job_ids: Sequence[int]) -> list[Job | None]:
    """Jobs in the order of their ids as given; None for one that there is not."""
    raw = await driver(connection)
    if len(job_ids) == 1:
        # A plan for an array of any length seems so dear, in a long table, that a new one would be made for each read.
        rows = await raw.fetch(_RETRIEVE_ONE, job_ids[0])
    else:
        rows = await raw.fetch(_RETRIEVE_MANY, job_ids)
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
    planned = row["schedule_date"] if row["status"] == JobStatus.SCHEDULED else None
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
        run_start_date=row["run_start_date"] or planned,
        run_end_date=row["run_end_date"],
        links=tuple(Link(**link) for link in row["links"]),
        scheduled=row["scheduled"],
        sdk=row["sdk"],
        schedule_date=row["schedule_date"],
        definition=row["definition"],
        queue=row["queue"],
        cancellable=row["cancellable"],
        idempotent=row["idempotent"],
        code_sha256=row["code_sha256"],
        total_tasks=row["total_tasks"],
        open_tasks=row["open_tasks"],
        failed_tasks=row["failed_tasks"],
    )


async def histories(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Ended jobs, newest end first, and how many there are."""
    place = await job_counts.locate(connection, wanted, window)
    if place.total <= window.offset:
        return [], place.total
    where = and_(_conditions(wanted, jobs.c.run_end_date), jobs.c.run_end_date.is_not(None))
    if place.until is not None:
        where = and_(where, jobs.c.run_end_date < place.until)
    if place.since is not None:
        where = and_(where, jobs.c.run_end_date >= place.since)
    order = select(*SHOWN).where(where).order_by(jobs.c.run_end_date.desc(), jobs.c.id.desc())
    found = await connection.execute(order.limit(window.limit).offset(place.skip))
    return [read(row) for row in found.mappings()], place.total


async def monitors(connection: Connection, wanted: JobFilter, window: Window) -> tuple[list[Job], int]:
    """Active jobs, next start first, and how many there are."""
    where = _conditions(wanted, jobs.c.created_date)
    start = func.coalesce(jobs.c.run_start_date, jobs.c.schedule_date, jobs.c.created_date)
    return await _page(connection, select(*SHOWN).where(where).order_by(start, jobs.c.id), where, window)


def _added(job_id: int, new: NewJob) -> Job:
    traits = new.traits
    return Job(
        id=job_id,
        kind=traits.kind,
        title=traits.title,
        status=new.status,
        method=new.method,
        created_by=new.user,
        created_date=new.date,
        modified_by=new.user,
        modified_date=new.date,
        run_start_date=new.planned if new.status is JobStatus.SCHEDULED else None,
        scheduled=new.definition is not None,
        sdk=traits.sdk,
        schedule_date=new.planned,
        definition=new.definition,
        queue=traits.queue,
        cancellable=traits.cancellable,
        idempotent=traits.idempotent,
        code_sha256=traits.code_sha256,
    )


def _conditions(wanted: JobFilter, moment: ColumnElement[datetime]) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = [jobs.c.status.in_(wanted.statuses), jobs.c.visible]
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
