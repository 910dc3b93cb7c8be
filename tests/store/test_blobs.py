"""What a place for blobs must do, asked of every place: a folder, and an object store."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from tests.store.object_store import BUCKET, at_endpoint, object_store

from strongroom.domain.content import Blob
from strongroom.store import blobs
from strongroom.store.blobs import PIECE, BlobMissingError, Blobs, Digests

pytestmark = pytest.mark.anyio

PART = 5 * PIECE  # what an object store takes as one part of an upload
SIZES = [1, PIECE - 1, PIECE, PIECE + 1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1, 3 * PART + PIECE // 2]
LATER = timedelta(hours=1)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with object_store() as url:
        yield url


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    """A place of its own for each test."""
    if request.param == "folder":
        return Blobs.open(tmp_path / "blobs")
    for name, value in at_endpoint(request.getfixturevalue("server")).items():
        monkeypatch.setenv(name, value)
    return Blobs.open(f"s3://{BUCKET}/{tmp_path.name}")


def some_bytes(size: int) -> bytes:
    """Bytes among which none can be taken for others."""
    return hashlib.shake_128(str(size).encode()).digest(size)


async def stream(data: bytes, piece: int = 700_001) -> AsyncIterator[bytes]:
    for start in range(0, len(data), piece):
        yield data[start : start + piece]


async def written(store: Blobs, data: bytes, folder: str = "1001/mark") -> list[Blob]:
    return [blob async for blob in store.write(folder, stream(data), Digests())]


async def read(store: Blobs, key: str, start: int, stop: int) -> bytes:
    return b"".join([piece async for piece in store.read(key, start, stop)])


async def listed(store: Blobs, folder: str = "1001/mark", before: timedelta = LATER) -> set[str]:
    return {key async for page in store.unchanged_since(folder, datetime.now(UTC) + before) for key in page}


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_written_is_read_whatever_its_size(store: Blobs, size: int) -> None:
    data = some_bytes(size)
    (blob,) = await written(store, data)
    assert blob.size == size
    assert blob.sha256 == hashlib.sha256(data).digest()
    assert blob.md5 == hashlib.md5(data, usedforsecurity=False).digest()
    assert await read(store, blob.key, 0, size) == data


async def test_nothing_written_is_no_blob(store: Blobs) -> None:
    assert await written(store, b"") == []
    assert await listed(store) == set()


@pytest.mark.parametrize(
    ("start", "stop"),
    [(0, 0), (0, 1), (PIECE - 1, PIECE + 1), (PART - 1, PART + 1), (5, 2 * PIECE + 5), (PART + 6, PART + 7)],
)
async def test_any_range_is_read(store: Blobs, start: int, stop: int) -> None:
    data = some_bytes(PART + 7)
    (blob,) = await written(store, data)
    assert await read(store, blob.key, start, stop) == data[start:stop]


async def test_pieces_that_are_read_are_small_whatever_is_asked_for(store: Blobs) -> None:
    (blob,) = await written(store, some_bytes(PART + 7))
    assert [len(piece) async for piece in store.read(blob.key, 0, blob.size)] == [PIECE] * 5 + [7]


async def test_a_long_stream_becomes_several_blobs(store: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "BLOB_MAX", PART)
    data, whole = some_bytes(2 * PART + 1), Digests()
    made = [blob async for blob in store.write("1001/mark", stream(data, PIECE), whole)]
    assert [blob.size for blob in made] == [PART, PART, 1]
    assert b"".join([await read(store, blob.key, 0, blob.size) for blob in made]) == data
    assert whole.sha256.digest() == hashlib.sha256(data).digest()


async def test_many_are_written_and_read_at_once(store: Blobs) -> None:
    many = [some_bytes(size) for size in (*range(1, 30), PART + 1, PART + 2)]
    made = await asyncio.gather(*(written(store, data) for data in many))
    keys = [blob.key for (blob,) in made]
    assert len(set(keys)) == len(many)
    back = await asyncio.gather(*(read(store, key, 0, len(data)) for key, data in zip(keys, many, strict=True)))
    assert back == many
    assert await listed(store) == set(keys)


async def test_what_is_deleted_is_missing_and_may_be_deleted_again(store: Blobs) -> None:
    (kept,), (gone,) = await written(store, b"kept"), await written(store, b"gone")
    await store.delete(gone.key)
    await store.delete(gone.key)
    with pytest.raises(BlobMissingError, match=gone.key):
        await read(store, gone.key, 0, gone.size)
    assert await listed(store) == {kept.key}
    assert await read(store, kept.key, 0, kept.size) == b"kept"


async def test_a_folder_lists_what_is_in_it_and_old_enough(store: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blobs, "_PAGE", 2)
    ours = {blob.key for number in range(5) for blob in await written(store, b"%d" % number)}
    (other,) = await written(store, b"of another Vault", "1001/mark2")
    assert await listed(store) == ours
    assert await listed(store, "1001/mark2") == {other.key}
    assert await listed(store, "1002/none") == set()
    assert await listed(store, before=-LATER) == set()


@pytest.mark.parametrize("pieces", [1, 5, 7, 12])
@pytest.mark.parametrize("how", ["broken", "cancelled"])
async def test_an_upload_that_breaks_off_leaves_nothing_that_can_be_seen(
    store: Blobs, pieces: int, how: str, request: pytest.FixtureRequest
) -> None:
    arrived = asyncio.Event()

    async def breaking() -> AsyncIterator[bytes]:
        for _ in range(pieces):
            yield b"x" * PIECE
        arrived.set()
        if how == "broken":
            raise ConnectionResetError("the client is gone")
        await asyncio.Event().wait()

    async def upload() -> None:
        async for _ in store.write("1001/mark", breaking(), Digests()):
            pytest.fail("a blob was made of what did not come to its end")

    uploading = asyncio.create_task(upload())
    await arrived.wait()
    if how == "cancelled":
        uploading.cancel()
    with pytest.raises(asyncio.CancelledError if how == "cancelled" else ConnectionResetError):
        await uploading
    assert await listed(store) == set()
    if store.folder is None:
        async with httpx.AsyncClient() as client:
            under_way = await client.get(f"{request.getfixturevalue('server')}/{BUCKET}?uploads")
        assert "<Upload>" not in under_way.text
