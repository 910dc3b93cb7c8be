"""A database whose disk is full, as its error code says it: what cannot be written is refused, what is read is read."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.services.documents import bytes_of, document

from strongroom.domain.errors import StorageFull
from strongroom.domain.page import Window
from strongroom.services import documents, sessions
from strongroom.services.documents import DocumentQuery
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def fill(vault: Vault, table: str) -> None:
    """Have every write to a table fail as it does when the table cannot grow."""
    async with vault.database.transaction() as connection:
        await connection.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$"
            )
        )
        await connection.execute(
            text(f"CREATE TRIGGER full_disk BEFORE INSERT OR UPDATE ON {table} EXECUTE FUNCTION full_disk()")
        )


async def test_what_cannot_be_written_is_refused_and_nothing_of_it_is_left(vault: Vault) -> None:
    kept = await document(vault, "Kept", b"kept")
    await fill(vault, "document_versions")
    with pytest.raises(StorageFull, match="disk of the server is full"):
        await document(vault, "Refused", b"refused")
    (left,) = await documents.list_documents(vault, DocumentQuery(), Window())
    assert left.id == kept
    assert await bytes_of(vault, (await documents.source(vault, kept)).content_id) == b"kept"


async def test_a_session_goes_on_although_it_cannot_be_renewed(vault: Vault) -> None:
    session = await sessions.authenticate(vault, "admin@localhost", "a password for tests")
    await fill(vault, "sessions")
    later = replace(vault, clock=Clock(timedelta(minutes=5)))
    assert (await sessions.resolve(later, session.token)).name == "admin@localhost"
    with pytest.raises(StorageFull):
        await sessions.authenticate(vault, "admin@localhost", "a password for tests")
