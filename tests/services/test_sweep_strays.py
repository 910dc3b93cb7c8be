"""Bytes that no row names: what broke off is found and goes, what is on its way stays."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import MemoryStore
from sqlalchemy import text
from tests.services.documents import bytes_of, content_of, document
from tests.services.hours import blob_files, pass_days_with_sweeps, pass_hours
from tests.services.test_sweep import in_hours

from strongroom.domain.errors import InvalidData
from strongroom.services import contents, documents, file_staging, housekeeping
from strongroom.store import blobs
from strongroom.store.blobs import Blobs, Digests
from strongroom.store.contents import NAMED_WITHIN
from strongroom.store.database import IDLE_SECONDS
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

KILLED_IN_THE_MIDDLE = """
import asyncio, os, signal, sys
from strongroom.store.blobs import Blobs, Digests

async def pieces():
    for _ in range(5):
        yield bytes(1024 * 1024)
    while not any("#" in name for _, _, names in os.walk(sys.argv[1]) for name in names):
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGKILL)

async def upload():
    async for _ in Blobs.open(sys.argv[1]).write(sys.argv[2], pieces(), Digests()):
        pass

asyncio.run(upload())
"""


async def stray(vault: Vault, data: bytes = b"no row names this") -> str:
    """Bytes as an upload leaves them that breaks off before its row is written; gives their file's name."""

    async def pieces() -> AsyncIterator[bytes]:
        yield data

    (blob,) = [blob async for blob in vault.blobs.write(vault.info.blob_folder, pieces(), Digests())]
    return blob.key.rpartition("/")[2]


async def test_bytes_without_a_row_are_buried_after_a_day_and_gone_after_another(vault: Vault) -> None:
    kept = await document(vault, "Kept", b"kept")
    name = await stray(vault)
    assert len(blob_files(vault)) == 2
    await pass_hours(vault, 20)
    assert await housekeeping.search_blobs(vault) == 0
    await pass_hours(vault, 25)
    assert await housekeeping.search_blobs(vault) == 1
    assert await housekeeping.sweep_blobs(vault) == 0
    await pass_hours(vault, 25)
    assert await housekeeping.sweep_blobs(vault) == 1
    left = blob_files(vault)
    assert len(left) == 1
    assert name not in left
    assert await bytes_of(vault, (await documents.source(vault, kept)).content_id) == b"kept"


async def test_the_store_is_searched_once_a_day_by_one_worker(vault: Vault) -> None:
    await stray(vault)
    await pass_hours(vault, 25)
    found = await asyncio.gather(*(housekeeping.search_blobs(vault) for _ in range(4)))
    assert sorted(found) == [0, 0, 0, 1]
    await stray(vault)
    await pass_hours(vault, 23)
    assert await housekeeping.search_blobs(vault) == 0
    await pass_hours(vault, 2)
    assert await housekeeping.search_blobs(vault) == 1


async def test_more_than_fits_into_one_page_is_found_and_removed(vault: Vault) -> None:
    folder = vault.settings.data_dir / "blobs" / vault.info.blob_folder
    folder.mkdir(parents=True)
    for number in range(2500):
        (folder / f"{number:032x}").write_bytes(b"x")
    await pass_hours(vault, 25)
    assert await housekeeping.search_blobs(vault) == 2500
    await pass_hours(vault, 25)
    assert await housekeeping.sweep_blobs(vault) == 2500
    assert blob_files(vault) == []


async def test_an_object_store_is_searched_like_a_folder(vault: Vault) -> None:
    away = replace(vault, blobs=Blobs(MemoryStore()))
    await file_staging.create_file(away, "/kept.txt", await content_of(away, b"kept"))
    await stray(away)
    keys = [key async for page in away.blobs.unchanged_since(away.info.blob_folder, in_hours(1)) for key in page]
    assert len(keys) == 2
    assert await housekeeping.search_blobs(away, in_hours(25)) == 1
    assert await housekeeping.sweep_blobs(away, in_hours(48)) == 0
    assert await housekeeping.sweep_blobs(away, in_hours(50)) == 1
    (left,) = [key async for page in away.blobs.unchanged_since(away.info.blob_folder, in_hours(1)) for key in page]
    assert [piece async for piece in away.blobs.read(left, 0, 4)] == [b"kept"]


async def test_what_a_killed_process_leaves_of_an_unfinished_blob_goes_after_a_day(vault: Vault) -> None:
    place = vault.settings.data_dir / "blobs"
    command = [sys.executable, "-c", KILLED_IN_THE_MIDDLE, str(place), vault.info.blob_folder]
    killed = await asyncio.create_subprocess_exec(*command)
    assert await killed.wait() == -signal.SIGKILL
    assert len(blob_files(vault)) == 1
    await pass_hours(vault, 20)
    assert await housekeeping.search_blobs(vault) == 0
    await pass_hours(vault, 25)
    assert await housekeeping.search_blobs(vault) == 1
    assert blob_files(vault) == []


async def test_bytes_of_another_database_in_the_same_store_are_left_alone(vault: Vault) -> None:
    other = vault.settings.data_dir / "blobs" / str(vault.info.id) / "another"
    other.mkdir(parents=True)
    (other / "blob").write_bytes(b"of a Vault with the same id")
    await pass_days_with_sweeps(vault, 4)
    assert blob_files(vault) == ["blob"]


async def test_an_upload_that_takes_days_keeps_its_first_blobs(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    # The real border is 1 GiB and the real time an hour; lower ones are the same code.
    monkeypatch.setattr(blobs, "BLOB_MAX", 1000)
    monkeypatch.setattr(contents, "HOLD_EVERY", 0.0)
    pieces = [bytes([number]) * 500 for number in range(9)]

    async def slow() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece
            await pass_hours(vault, 20)
            await housekeeping.search_blobs(vault)
            await housekeeping.sweep_blobs(vault)

    content = await contents.store(vault, slow())
    assert await bytes_of(vault, content.id) == b"".join(pieces)


async def test_an_upload_that_stood_still_for_days_is_refused_and_not_half_kept(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "BLOB_MAX", 1000)

    async def standing_still() -> AsyncIterator[bytes]:
        yield bytes(1500)
        await pass_days_with_sweeps(vault, 4)
        yield bytes(1500)

    with pytest.raises(InvalidData, match="send it again"):
        await contents.store(vault, standing_still())
    async with vault.database.reading() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM contents")) == 0


async def test_a_row_that_comes_too_long_after_its_bytes_is_refused(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As when the process is frozen after the last byte: the clock that is asked here is the database's.
    class Yesterday(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Yesterday":
            then = datetime.now(UTC) - NAMED_WITHIN - timedelta(minutes=1)
            return cls.fromtimestamp(then.timestamp(), UTC)

    monkeypatch.setattr(blobs, "datetime", Yesterday)
    with pytest.raises(InvalidData, match="send it again"):
        await content_of(vault, b"late")


async def test_a_transaction_that_was_left_open_ends_before_its_bytes_may_go(vault: Vault) -> None:
    async with vault.database.reading() as connection:
        allowed = await connection.scalar(text("SHOW idle_in_transaction_session_timeout"))
    assert allowed == f"{IDLE_SECONDS}s"
    assert NAMED_WITHIN + timedelta(seconds=IDLE_SECONDS) < housekeeping.UNUSED_AGE


async def test_a_row_that_is_written_after_its_bytes_were_buried_keeps_them(vault: Vault) -> None:
    """Object stores give a blob the age of its first byte: it may be old when it can be seen first."""
    content = await content_of(vault, b"slow")
    async with vault.database.transaction() as connection:
        long_ago = "INSERT INTO blob_tombstones (key, deleted_date) SELECT key, now() - interval '2 days' FROM blobs"
        await connection.execute(text(long_ago))
    await document_of(vault, content.id)
    assert await housekeeping.sweep_blobs(vault) == 0
    await pass_days_with_sweeps(vault, 4)
    assert await bytes_of(vault, content.id) == b"slow"


async def document_of(vault: Vault, content_id: int) -> None:
    made = await document(vault, "Holder", b"other")
    async with vault.database.transaction() as connection:
        await connection.execute(
            text("UPDATE document_versions SET content_id = :content WHERE document_id = :id"),
            {"content": content_id, "id": made},
        )
