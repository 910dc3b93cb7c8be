"""Rows of job definitions: added, read, changed; and held, so that only one at a time makes a definition's next job."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.job import JobStatus
from strongroom.domain.job_definition import JobDefinition
from strongroom.domain.page import Window
from strongroom.domain.schedule import read as read_schedule
from strongroom.store.database import Connection
from strongroom.store.tables import job_definitions, jobs

_ROW = job_definitions.c


async def add(connection: Connection, values: Mapping[str, Any]) -> JobDefinition | None:
    """Insert a definition; None if its name is taken."""
    made = upsert(job_definitions).values(**values).on_conflict_do_nothing(index_elements=["name"])
    row = (await connection.execute(made.returning(*job_definitions.c))).mappings().one_or_none()
    return None if row is None else read(row)


async def retrieve(connection: Connection, definition_id: int) -> JobDefinition | None:
    """One definition."""
    found = await connection.execute(select(job_definitions).where(_ROW.id == definition_id))
    row = found.mappings().one_or_none()
    return None if row is None else read(row)


async def by_name(connection: Connection, name: str) -> JobDefinition | None:
    """One definition by its name."""
    found = await connection.execute(select(job_definitions).where(_ROW.name == name))
    row = found.mappings().one_or_none()
    return None if row is None else read(row)


async def page(connection: Connection, window: Window) -> tuple[list[JobDefinition], int]:
    """Definitions in the order of their names, and how many there are."""
    total = await connection.scalar(select(func.count()).select_from(job_definitions))
    wanted = select(job_definitions).order_by(_ROW.name).limit(window.limit).offset(window.offset)
    return [read(row) for row in (await connection.execute(wanted)).mappings()], total or 0


async def hold(connection: Connection, definition_id: int) -> JobDefinition | None:
    """Lock a definition until the transaction ends: nobody else makes, begins or cancels its SCHEDULED job meanwhile.

    Whoever locks a SCHEDULED job and its definition locks the definition first, or waits for neither.
    """
    chosen = select(job_definitions).where(_ROW.id == definition_id).with_for_update(key_share=True)
    row = (await connection.execute(chosen)).mappings().one_or_none()
    return None if row is None else read(row)


async def hold_lacking(connection: Connection, most: int) -> list[JobDefinition]:
    """Lock active definitions that have no SCHEDULED job, passing over those that somebody else has locked."""
    lacks = ~exists().where(jobs.c.definition == _ROW.id, jobs.c.status == JobStatus.SCHEDULED)
    chosen = select(_ROW.id).where(_ROW.active, lacks).order_by(_ROW.id).limit(most)
    ids = (await connection.scalars(chosen.with_for_update(key_share=True, skip_locked=True))).all()
    if not ids:
        return []
    # Looked at again: who had locked one until now may have made its job, which the first statement could not see.
    found = await connection.execute(select(job_definitions).where(_ROW.id.in_(ids), _ROW.active, lacks))
    return [read(row) for row in found.mappings()]


async def change(connection: Connection, definition_id: int, values: Mapping[str, Any]) -> JobDefinition:
    """Change a definition that is held; with that it has a new version."""
    changed = update(job_definitions).where(_ROW.id == definition_id).values(version=_ROW.version + 1, **values)
    return read((await connection.execute(changed.returning(*job_definitions.c))).mappings().one())


async def remove(connection: Connection, definition_id: int) -> None:
    """Delete a definition; its jobs stay."""
    await connection.execute(delete(job_definitions).where(_ROW.id == definition_id))


def read(row: Any) -> JobDefinition:
    """Make a definition of a row."""
    return JobDefinition(**{**row, "schedule": read_schedule(row["schedule"])})
