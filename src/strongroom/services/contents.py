"""Contents: bytes that come in as a stream, are kept as blobs, and go out as a stream."""

from collections.abc import AsyncGenerator, AsyncIterator, Collection
from contextlib import aclosing

from strongroom.domain.content import Content
from strongroom.domain.errors import InvalidData
from strongroom.store import contents as rows
from strongroom.store.blobs import Digests
from strongroom.vault import Vault


async def store(vault: Vault, pieces: AsyncIterator[bytes]) -> Content:
    """Keep a stream of bytes. Nothing is named before all bytes are durable; what an error leaves is swept later."""
    whole = Digests()
    parts = [blob async for blob in vault.blobs.write(vault.info.id, pieces, whole)]
    size = sum(part.size for part in parts)
    async with vault.database.transaction() as connection:
        return await rows.add(connection, parts, size, whole.sha256.digest(), whole.md5.digest())


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
    offset = 0
    for part in parts:
        first = max(start - offset, 0)
        last = part.size if stop is None else min(stop - offset, part.size)
        if first < last:
            async with aclosing(vault.blobs.read(part.key, first, last)) as pieces:
                async for piece in pieces:
                    yield piece
        offset += part.size
