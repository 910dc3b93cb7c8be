"""Numbered migrations of the database, and the one function that brings a database up to date."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection as SyncConnection
from sqlalchemy import text

from strongroom.store.database import Database

FOLDER = Path(__file__).parent

HEAD = "0008"
"""The newest migration; a test compares it with the folder."""

# Any numbers that no other program of this database uses for its advisory locks.
_LOCK, _TURN = 7_391_200_145, 7_391_200_146


@asynccontextmanager
async def turn(database: Database) -> AsyncIterator[None]:
    """Have the preparation of a database to oneself for the block: servers that start together take turns."""
    async with database.reading() as connection:
        # Outside of any transaction, which would count as idle for as long as the block lasts.
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _TURN})
        try:
            yield
        finally:
            await connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _TURN})


async def migrate(database: Database) -> None:
    """Bring the database to the newest schema; several processes may call it at once, one of them does it."""
    if await revision(database) == HEAD:
        return
    async with database.transaction() as connection:
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        await connection.run_sync(_upgrade)


async def revision(database: Database) -> str | None:
    """The migration that the database stands at, or None for an empty one."""
    async with database.reading() as connection:
        known = await connection.scalar(text("SELECT to_regclass('alembic_version')"))
        if known is None:
            return None
        found: str | None = await connection.scalar(text("SELECT version_num FROM alembic_version"))
        return found


def _upgrade(connection: SyncConnection) -> None:
    # Loaded when it is needed: no web process or worker migrates, and it would cost each of them 11 MB.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
