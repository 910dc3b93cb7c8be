"""Bytes on disk or in an object store: immutable blobs under keys that are chosen before their first byte."""

import asyncio
import contextlib
import hashlib
import os
import re
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
import obstore
import structlog
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from strongroom.domain.content import Blob
from strongroom.domain.errors import StorageFull
from strongroom.store import durable
from strongroom.store.passing import is_full

PIECE = 1024 * 1024
"""How many bytes are read or written at a time."""

BLOB_MAX = 1024 * 1024 * 1024
"""A blob is closed at this size and the next one begun: no upload is one object without end."""

_WORTH_A_THREAD = 64 * 1024
_PAGE = 1000  # keys at a time, when the store is searched

# How long a request to an object store that does not answer is tried again. The library's own 3 minutes would keep
# clients waiting, who have given up by then.
_STORE_PATIENCE = timedelta(seconds=30)

# What the local store writes to until a blob is complete, and leaves behind when its process is killed.
_DRAFT = re.compile(r".+#\d+")

_log = structlog.get_logger(__name__)


class BlobMissingError(FileNotFoundError):
    """The store has no bytes under a key that a row names: data was lost outside of Strongroom."""


@dataclass(frozen=True)
class Blobs:
    """A place for blobs. ``folder`` is set for a local one, whose files are fsynced before anybody names them."""

    store: ObjectStore
    folder: Path | None = None

    @classmethod
    def open(cls, place: str | Path) -> "Blobs":
        """Open a folder (made when missing) or the URL of an object store (``s3://``, ``gs://``, ``az://``)."""
        if isinstance(place, str) and "://" in place:
            return cls(from_url(place, retry_config={"retry_timeout": _STORE_PATIENCE}))
        folder = Path(place)
        durable.make_folder(folder, mode=0o700)
        return cls(LocalStore(folder, mkdir=True), folder)

    async def write(self, folder: str, pieces: AsyncIterator[bytes], whole: "Digests") -> AsyncIterator[Blob]:
        """Write a stream as blobs of at most ``BLOB_MAX`` bytes below ``folder``; each is durable when it is given.

        ``whole`` is fed with the whole stream as it passes. It is also the first blob's, so that a stream of one blob
        is hashed once.
        """
        source = _Pieces(pieces)
        digests = whole
        while (first := await source.next()) is not None:
            key = f"{folder}/{secrets.token_hex(16)}"
            try:
                yield await self._write_one(key, first, source, (digests, whole))
            except (BaseError, OSError) as error:
                if is_full(error):
                    _log.error("blob_store_full", error=str(error).partition("\n")[0])
                    raise StorageFull from error
                raise
            digests = Digests()

    async def _write_one(self, key: str, first: bytes, source: "_Pieces", digests: "tuple[Digests, Digests]") -> Blob:
        size = 0
        piece: bytes | None = first
        # What an upload holds in memory: a few buffers. Object stores take no part under 5 MiB.
        buffer = PIECE if self.folder else 5 * PIECE
        async with (
            obstore.open_writer_async(self.store, key, buffer_size=buffer, max_concurrency=2) as writer,
            _hashing(digests) as begin,
        ):
            while piece is not None:
                # A piece is hashed while it is written and the next one comes: each of the three takes as long.
                await begin(piece)
                await writer.write(piece)
                size += len(piece)
                piece = await source.next() if size < BLOB_MAX else None
            # Before it is complete and can be seen by a search: what is told later is told too late.
            written = datetime.now(UTC)
        if self.folder is not None:
            await anyio.to_thread.run_sync(_make_durable, self.folder, key)
        own = digests[0]
        return Blob(key, size, own.sha256.digest(), own.md5.digest(), written)

    async def read(self, key: str, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """The bytes from ``start`` up to ``stop`` of a blob, in pieces of at most ``PIECE``."""
        try:
            for offset in range(start, stop, PIECE):
                yield bytes(await obstore.get_range_async(self.store, key, start=offset, end=min(offset + PIECE, stop)))
        except (NotFoundError, FileNotFoundError) as error:
            raise BlobMissingError(f"the bytes of blob {key!r} are missing in the blob store") from error

    async def delete(self, key: str) -> None:
        """Delete a blob's bytes; one that is gone already is no error."""
        try:
            await obstore.delete_async(self.store, key)
        except (NotFoundError, FileNotFoundError):
            return

    async def unchanged_since(self, folder: str, moment: datetime) -> AsyncGenerator[list[str], None]:
        """The keys below a folder whose bytes are older than that, a page at a time: a store may have millions."""
        async for page in obstore.list(self.store, folder, chunk_size=_PAGE):
            yield [each["path"] for each in page if each["last_modified"] < moment]

    async def remove_drafts(self, folder: str, moment: datetime) -> int:
        """Remove what writers that were killed have left in a local folder before that moment; returns how many.

        An object store shows no blob before it is complete; parts of one that broke off are for its own rules.
        """
        if self.folder is None:
            return 0
        return await anyio.to_thread.run_sync(_remove_drafts, self.folder / folder, moment.timestamp())


class Digests:
    """The SHA-256 and MD5 of a stream, as far as it has been seen."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)

    async def update(self, piece: bytes) -> None:
        """Take the next bytes into account; large ones in two threads, since hashing lets other threads run."""
        if len(piece) < _WORTH_A_THREAD:
            self.sha256.update(piece)
            self.md5.update(piece)
        else:
            await asyncio.gather(
                anyio.to_thread.run_sync(self.sha256.update, piece), anyio.to_thread.run_sync(self.md5.update, piece)
            )


@asynccontextmanager
async def _hashing(digests: "tuple[Digests, Digests]") -> AsyncIterator[Callable[[bytes], Awaitable[None]]]:
    """Give what begins to hash a piece once the one before is done; at the end of the block all are."""
    under_way: asyncio.Task[None] | None = None

    async def update(piece: bytes) -> None:
        for each in dict.fromkeys(digests):
            await each.update(piece)

    async def begin(piece: bytes) -> None:
        nonlocal under_way
        if under_way:
            await under_way
        under_way = asyncio.create_task(update(piece))

    try:
        yield begin
    finally:
        if under_way:
            await under_way


class _Pieces:
    """A stream from which the next piece can be asked for, after its loop was left."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def next(self) -> bytes | None:
        async for piece in self._pieces:
            if piece:
                return piece
        return None


def _make_durable(root: Path, key: str) -> None:
    """Flush a file and the folders above it: the local store renames without, and a power cut would lose it."""
    file = root / key
    durable.sync(file)
    for folder in file.parents:
        durable.sync(folder)
        if folder == root:
            return


def _remove_drafts(folder: Path, before: float) -> int:
    removed = 0
    if not folder.is_dir():
        return removed
    with os.scandir(folder) as entries:
        for entry in entries:
            with contextlib.suppress(FileNotFoundError):  # it has just been completed
                # One that is being written is young: each piece that arrives makes it so.
                if _DRAFT.fullmatch(entry.name) and entry.stat().st_mtime < before:
                    Path(entry).unlink()
                    removed += 1
    return removed
