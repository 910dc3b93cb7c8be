"""Bytes on disk or in an object store: immutable blobs under keys that are chosen before their first byte."""

import hashlib
import os
import secrets
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import anyio
import obstore
from obstore.exceptions import NotFoundError
from obstore.store import LocalStore, ObjectStore, from_url

from strongroom.domain.content import Blob

PIECE = 1024 * 1024
"""How many bytes are read or written at a time."""

BLOB_MAX = 1024 * 1024 * 1024
"""A blob is closed at this size and the next one begun: no upload is one object without end."""

_WORTH_A_THREAD = 64 * 1024


class BlobMissingError(Exception):
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
            return cls(from_url(place))
        folder = Path(place)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(LocalStore(folder, mkdir=True), folder)

    async def write(self, vault_id: int, pieces: AsyncIterator[bytes], whole: "Digests") -> AsyncIterator[Blob]:
        """Write a stream as blobs of at most ``BLOB_MAX`` bytes; each is durable when it is given.

        ``whole`` is fed with the whole stream as it passes. It is also the first blob's, so that a stream of one blob
        is hashed once.
        """
        source = _Pieces(pieces)
        digests = whole
        while (first := await source.next()) is not None:
            yield await self._write_one(f"{vault_id}/{secrets.token_hex(16)}", first, source, (digests, whole))
            digests = Digests()

    async def _write_one(self, key: str, first: bytes, source: "_Pieces", digests: "tuple[Digests, Digests]") -> Blob:
        own, whole = digests
        size = 0
        piece: bytes | None = first
        # What an upload holds in memory: a few buffers. Object stores take no part under 5 MiB.
        buffer = PIECE if self.folder else 5 * PIECE
        async with obstore.open_writer_async(self.store, key, buffer_size=buffer, max_concurrency=2) as writer:
            while piece is not None:
                await own.update(piece)
                if whole is not own:
                    await whole.update(piece)
                await writer.write(piece)
                size += len(piece)
                piece = await source.next() if size < BLOB_MAX else None
        if self.folder is not None:
            await anyio.to_thread.run_sync(_make_durable, self.folder, key)
        return Blob(key, size, own.sha256.digest(), own.md5.digest())

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


class Digests:
    """The SHA-256 and MD5 of a stream, as far as it has been seen."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.md5 = hashlib.md5(usedforsecurity=False)

    async def update(self, piece: bytes) -> None:
        """Take the next bytes into account; large ones in a thread, since hashing lets other threads run."""
        if len(piece) < _WORTH_A_THREAD:
            self._update(piece)
        else:
            await anyio.to_thread.run_sync(self._update, piece)

    def _update(self, piece: bytes) -> None:
        self.sha256.update(piece)
        self.md5.update(piece)


class _Pieces:
    """A stream from which the next piece can be asked for, after its loop was left."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def next(self) -> bytes | None:
        async for piece in self._pieces:
            if piece:
                return piece
        return None


def _make_durable(folder: Path, key: str) -> None:
    """Flush a file, its folder and the one above: the local store renames without, and a power cut would lose it."""
    file = folder / key
    for path in (file, file.parent, folder):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
