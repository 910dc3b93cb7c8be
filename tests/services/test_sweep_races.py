"""The sweep beside those whom it could hurt: uploads, downloads, exports, deletions. Its day lasts a few seconds here."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.kinds.test_document_export import by_id, export, staged
from tests.services.documents import GENERAL, bytes_of, content_of, document
from tests.services.hours import blob_files, pass_days_with_sweeps, pass_hours

from strongroom.domain.document import File
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import JobStatus
from strongroom.kinds.document_export import DocumentExportInput
from strongroom.services import contents, document_exports, documents, file_staging, housekeeping
from strongroom.services.documents import NewDocument
from strongroom.services.documents.files import uploaded
from strongroom.store import blobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

SEED = 20_261_125
A_DAY = 4.0  # seconds
DEADLINE = 180.0
ENOUGH = {"swept": 10, "uploads": 30, "slow uploads": 1, "copies": 5, "downloads": 10, "exports": 5}


@dataclass
class Traffic:
    """What goes on at the same time, and what has been answered with success: the bytes of each living document."""

    vault: Vault
    chance: random.Random = field(default_factory=lambda: random.Random(SEED))
    living: dict[int, bytes] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENOUGH, 0))
    over: bool = False

    def is_enough(self) -> bool:
        return all(self.done[what] >= count for what, count in ENOUGH.items())

    async def uploads(self) -> None:
        data = self.chance.randbytes(self.chance.randrange(1, 40_000))
        self.living[await document(self.vault, "Uploaded", data)] = data
        self.done["uploads"] += 1

    async def slow_uploads(self) -> None:
        """Longer than a day, in blobs that are complete long before the content is."""
        pieces = [self.chance.randbytes(6_000) for _ in range(8)]

        async def slow() -> AsyncIterator[bytes]:
            for piece in pieces:
                yield piece
                await asyncio.sleep(A_DAY / 5)

        content = await contents.store(self.vault, slow())
        new = NewDocument({"name__v": "Slow"} | GENERAL, uploaded(content, "slow.bin"))
        self.living[await documents.create(self.vault, new)] = b"".join(pieces)
        self.done["slow uploads"] += 1

    async def copies(self) -> None:
        """A document of a staged file, which is overwritten in between: its content has no referrer for a moment."""
        data = self.chance.randbytes(5_000)
        await file_staging.create_file(self.vault, "/in.bin", await content_of(self.vault, data), overwrite=True)
        file = (await documents.files.staged(self.vault, ["/in.bin"]))["/in.bin"]
        assert isinstance(file, File)
        await file_staging.create_file(self.vault, "/in.bin", await content_of(self.vault, b"next"), overwrite=True)
        await asyncio.sleep(A_DAY / 4)
        self.living[await documents.create(self.vault, NewDocument({"name__v": "Copied"} | GENERAL, file))] = data
        self.done["copies"] += 1

    async def deletions(self) -> None:
        if len(self.living) > 15:
            gone = self.chance.choice(list(self.living))
            del self.living[gone]
            await documents.delete(self.vault, gone)

    async def downloads(self) -> None:
        """A document that may be deleted at any moment after it was found; what is begun is read to its end."""
        document_id, data = self._any()
        try:
            found = await documents.source(self.vault, document_id)
        except InvalidData:
            return
        await asyncio.sleep(A_DAY / 4)
        got = b""
        last = self.chance.choice([0.0, 1.2 * A_DAY])
        async for piece in contents.read(self.vault, found.content_id):
            got += piece
            await asyncio.sleep(last)
            last = 0.0
        assert got == data
        self.done["downloads"] += 1

    async def exports(self) -> None:
        wanted = dict(self._any() for _ in range(8))
        job, rows = await export(self.vault, DocumentExportInput(documents=by_id(*wanted)))
        assert job.status is JobStatus.SUCCESS or not wanted.keys() <= self.living.keys()
        for row in rows:
            if row["responseStatus"] == "SUCCESS":
                assert await staged(self.vault, job, row) == wanted[row["id"]]
            else:
                assert row["id"] not in self.living
        self.done["exports"] += 1

    async def sweeps(self) -> None:
        await housekeeping.tidy(self.vault)
        await housekeeping.remove_expired_extracts(self.vault)
        await housekeeping.search_blobs(self.vault)
        self.done["swept"] += await housekeeping.sweep_blobs(self.vault)

    async def keep_doing(self, deed: Callable[[], Awaitable[None]]) -> None:
        while not self.over:
            await deed()
            await asyncio.sleep(A_DAY / 40)

    def _any(self) -> tuple[int, bytes]:
        return self.chance.choice(list(self.living.items()))


async def test_nothing_that_is_needed_is_swept_under_those_who_use_it(
    vault: Vault, running_worker: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blobs, "BLOB_MAX", 10_000)
    monkeypatch.setattr(contents, "HOLD_EVERY", A_DAY / 10)
    monkeypatch.setattr(document_exports, "RETENTION", timedelta(seconds=2 * A_DAY))
    monkeypatch.setattr(housekeeping, "UNUSED_AGE", timedelta(seconds=A_DAY))
    traffic = Traffic(vault)
    await traffic.uploads()
    deeds = [traffic.slow_uploads, traffic.copies, traffic.deletions, traffic.exports, traffic.sweeps]
    deeds += [traffic.uploads, *[traffic.downloads] * 4]
    deadline = time.monotonic() + DEADLINE
    async with asyncio.TaskGroup() as group:
        for deed in deeds:
            group.create_task(traffic.keep_doing(deed))
        while not traffic.is_enough():
            assert time.monotonic() < deadline, f"too little was done: {traffic.done}"
            await asyncio.sleep(0.1)
        traffic.over = True
    monkeypatch.undo()
    await pass_days_with_sweeps(vault, 4)
    for document_id, data in traffic.living.items():
        assert await bytes_of(vault, (await documents.source(vault, document_id)).content_id) == data
    async with vault.database.reading() as connection:
        named = (await connection.scalars(text("SELECT key FROM blobs ORDER BY key"))).all()
    assert blob_files(vault) == [key.rpartition("/")[2] for key in named], "what nobody needs is gone, and no more"


async def test_a_content_is_kept_for_a_day_after_its_last_reference_however_old_it_is(vault: Vault) -> None:
    made = await document(vault, "Old", b"old bytes")
    file = await documents.source(vault, made)
    await pass_days_with_sweeps(vault, 4)
    await documents.delete(vault, made)
    await housekeeping.sweep_blobs(vault)
    await pass_hours(vault, 23)
    await housekeeping.sweep_blobs(vault)
    again = await documents.create(vault, NewDocument({"name__v": "Again"} | GENERAL, file))
    await pass_days_with_sweeps(vault, 4)
    assert await bytes_of(vault, (await documents.source(vault, again)).content_id) == b"old bytes"


async def test_a_content_that_is_being_referred_to_does_not_keep_others_from_being_swept(vault: Vault) -> None:
    taken, other = await content_of(vault, b"taken"), await content_of(vault, b"other")
    await housekeeping.sweep_blobs(vault)
    await pass_hours(vault, 25)
    async with vault.database.transaction() as connection:
        await file_staging.create_file(vault.bound(connection), "/taken.txt", taken)
        await asyncio.wait_for(housekeeping.sweep_blobs(vault), 30)
        with pytest.raises(InvalidData):
            await contents.retrieve(vault, other.id)
    assert (await contents.retrieve(vault, taken.id)).size == len(b"taken")


async def test_a_content_that_was_referred_to_in_between_does_not_keep_others_from_being_swept(vault: Vault) -> None:
    """The reference is committed while the sweep waits for it: it has seen the content without one."""
    contents_ = [await content_of(vault, bytes([number])) for number in range(20)]
    await housekeeping.sweep_blobs(vault)
    await pass_hours(vault, 25)

    async def refer() -> None:
        for number, content in enumerate(contents_[::2]):
            try:
                await file_staging.create_file(vault, f"/{number}.txt", content)
            except Exception:  # noqa: BLE001 - the sweep was faster, which it may be after a day
                continue

    await asyncio.gather(refer(), housekeeping.sweep_blobs(vault))
    left = await contents.retrieve_many(vault, [content.id for content in contents_[1::2]])
    assert left == {}
    listed = await file_staging.list_items(vault, "/")
    assert len(await contents.retrieve_many(vault, [content.id for content in contents_])) == len(listed.items)


async def test_a_reader_that_has_begun_reads_on_for_a_day(vault: Vault) -> None:
    made = await document(vault, "Read", bytes(3 * blobs.PIECE))
    reader = contents.read(vault, (await documents.source(vault, made)).content_id)
    got = [await anext(reader)]
    await documents.delete(vault, made)
    await pass_days_with_sweeps(vault, 2)
    got += [piece async for piece in reader]
    assert b"".join(got) == bytes(3 * blobs.PIECE)


async def test_sweeps_of_several_workers_at_once_do_no_more_than_one(vault: Vault) -> None:
    kept = await document(vault, "Kept", b"kept")
    for number in range(30):
        await content_of(vault, bytes([number]))
    for _ in range(9):
        await pass_hours(vault, 9)
        await asyncio.gather(*(housekeeping.sweep_blobs(vault) for _ in range(4)))
    assert len(blob_files(vault)) == 1
    assert await bytes_of(vault, (await documents.source(vault, kept)).content_id) == b"kept"
