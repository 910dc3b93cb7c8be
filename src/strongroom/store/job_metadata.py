"""Rows of job metadata: what workers have told of the jobs that they can run."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from strongroom.domain.custom_job import RegisteredJob
from strongroom.store.database import Connection
from strongroom.store.tables import job_metadata, job_queues

# What a row keeps of its last good registration when the code cannot be used any more.
_TOLD_OF_BROKEN = ("active", "source", "sha256", "error", "registered")


async def hold(connection: Connection) -> None:
    """Keep other workers from registering until the transaction ends."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("job_metadata", 0))))


async def add_queues(connection: Connection, names: Collection[str], now: datetime) -> None:
    """Make the queues that are missing."""
    for name in sorted(names):
        statement = insert(job_queues).values(name=name, created_date=now).on_conflict_do_nothing()
        await connection.execute(statement)


async def put(connection: Connection, rows: Sequence[RegisteredJob]) -> None:
    """Write rows; of one whose code cannot be used, no more than that is changed if it is there already."""
    for row in rows:
        statement = insert(job_metadata).values(**asdict(row))
        told = _TOLD_OF_BROKEN if row.error is not None else [name for name in asdict(row) if name != "name"]
        changed = {name: statement.excluded[name] for name in told}
        await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=changed))


async def mark_broken(connection: Connection, source: str, error: str, besides: Collection[str]) -> None:
    """Note an error for all rows of a source, except those of these names."""
    where = (job_metadata.c.source == source, job_metadata.c.name.not_in(besides))
    await connection.execute(update(job_metadata).where(*where).values(error=error, active=True))


async def deactivate(connection: Connection, besides: Collection[str], broken: Collection[str]) -> None:
    """Note that there is no code any more for custom jobs, except those of these names and of these sources."""
    where = (
        job_metadata.c.name.like("%\\_\\_c"),
        job_metadata.c.name.not_in(besides),
        job_metadata.c.source.not_in(broken),
    )
    await connection.execute(update(job_metadata).where(*where).values(active=False))


async def retrieve_many(connection: Connection, names: Collection[str]) -> list[RegisteredJob]:
    """The rows of these names, by name; a name that is not known is left out."""
    statement = select(job_metadata).where(job_metadata.c.name.in_(names)).order_by(job_metadata.c.name)
    return [_read(row) for row in (await connection.execute(statement)).mappings()]


async def everything(connection: Connection) -> list[RegisteredJob]:
    """All rows, by name."""
    rows = await connection.execute(select(job_metadata).order_by(job_metadata.c.name))
    return [_read(row) for row in rows.mappings()]


def _read(row: Any) -> RegisteredJob:
    return RegisteredJob(**{**row, "single_instance_states": tuple(row["single_instance_states"])})
