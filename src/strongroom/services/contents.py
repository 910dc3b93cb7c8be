"""Contents: bytes that come in as a stream, are kept as blobs, and go out as a stream."""

import time
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Sequence
from contextlib import aclosing

from strongroom.domain.content import Blob, Content
from strongroom.domain.errors import InvalidData
from strongroom.store import blobs
from strongroom.store import contents as rows
from strongroom.store.blobs import Digests
from strongroom.vault import Vault

HOLD_EVERY = 3600.0
"""How often, in seconds, an upload of several blobs says that it needs those that are complete."""


async def store(vault: Vault, pieces: AsyncIterator[bytes]) -> Content:
    """Keep a stream of bytes. Nothing is named before its bytes are durable; what an error leaves is swept later."""
    whole = Digests()
    parts: list[Blob] = []
    try:
        async for blob in vault.blobs.write(vault.info.blob_folder, _holding(vault, parts, pieces), whole):
            if _is_full(blob):
                # More is to come, and it may come slowly: bytes that have no row are not kept for ever.
                async with vault.database.transaction() as connection:
                    await rows.add_blob(connection, blob)
            parts.append(blob)
        return await _finish(vault, parts, whole)
    except rows.LateError as error:
        raise InvalidData("The upload stood still for so long that it was given up: send it again.") from error


async def retrieve(vault: Vault, content_id: int) -> Content:
    """One content's size and checksums."""
    async with vault.database.reading() as connection:
        content = await rows.retrieve(connection, content_id)
    if content is None:
        raise InvalidData(f"There is no content [{content_id}].")
    return content


async def retrieve_many(vault: Vault, content_ids: Collection[int]) -> dict[int, Content]:
    """Sizes and checksums of many contents, by id."""
    async with vault.database.reading() as connection:
        return await rows.retrieve_many(connection, content_ids)


async def read(vault: Vault, content_id: int, start: int = 0, stop: int | None = None) -> AsyncGenerator[bytes, None]:
    """The bytes of a content from ``start`` up to ``stop`` (its end), in pieces of at most 1 MiB."""
    async with vault.database.reading() as connection:
        parts = await rows.parts(connection, content_id)
    if not parts:
        await retrieve(vault, content_id)
    offset = 0
    for part in parts:
        first = max(start - offset, 0)
        last = part.size if stop is None else min(stop - offset, part.size)
        if first < last:
            async with aclosing(vault.blobs.read(part.key, first, last)) as pieces:
                async for piece in pieces:
                    yield piece
        offset += part.size


async def _holding(vault: Vault, parts: Sequence[Blob], pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces. As they pass, the sweep is told that the blobs before them are needed."""
    last = time.monotonic()
    async for piece in pieces:
        if parts and time.monotonic() - last > HOLD_EVERY:
            async with vault.database.transaction() as connection:
                await rows.hold(connection, [part.key for part in parts])
            last = time.monotonic()
        yield piece


async def _finish(vault: Vault, parts: Sequence[Blob], whole: Digests) -> Content:
    size = sum(part.size for part in parts)
    async with vault.database.transaction() as connection:
        for part in parts:
            if not _is_full(part):
                await rows.add_blob(connection, part)
        if full := [part.key for part in parts if _is_full(part)]:
            await rows.hold(connection, full)
        return await rows.add(connection, parts, size, whole.sha256.digest(), whole.md5.digest())


def _is_full(blob: Blob) -> bool:
    return blob.size >= blobs.BLOB_MAX
