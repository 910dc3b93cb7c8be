import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from strongroom.store.database import Database
from strongroom.store.migrations import FOLDER, HEAD, migrate, revision
from strongroom.store.tables import metadata
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def test_the_tables_are_what_the_migrations_make(vault: Vault) -> None:
    def differences(connection: Connection) -> list[object]:
        ours = {"include_object": lambda _object, name, kind, *_: kind != "table" or not name.startswith("pgqueuer")}
        return list(compare_metadata(MigrationContext.configure(connection, opts=ours), metadata))

    async with vault.database.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_the_newest_migration_is_the_one_that_is_named(vault: Vault) -> None:
    assert ScriptDirectory(str(FOLDER)).get_current_head() == HEAD
    assert await revision(vault.database) == HEAD


async def test_several_processes_may_migrate_an_empty_database_at_once(empty_database_url: str) -> None:
    databases = [Database.connect(empty_database_url, pool_size=2) for _ in range(3)]
    try:
        assert await revision(databases[0]) is None
        await asyncio.gather(*(migrate(database) for database in databases))
        assert await revision(databases[0]) == HEAD
    finally:
        for database in databases:
            await database.close()
