"""Rows of blobs and contents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select

from strongroom.domain.content import Blob, Content
from strongroom.store.database import Connection
from strongroom.store.tables import blobs, content_blobs, contents


@dataclass(frozen=True)
class Part:
    """One blob of a content, in order."""

    key: str
    size: int


async def add(connection: Connection, parts: Sequence[Blob], size: int, sha256: bytes, md5: bytes) -> Content:
    """Write the rows of a content and of its blobs, whose bytes are durable already."""
    content_id = await connection.scalar(
        insert(contents).values(size=size, sha256=sha256, md5=md5).returning(contents.c.id)
    )
    assert content_id is not None
    if parts:
        await connection.execute(
            insert(blobs), [{"key": p.key, "size": p.size, "sha256": p.sha256, "md5": p.md5} for p in parts]
        )
        await connection.execute(
            insert(content_blobs),
            [{"content_id": content_id, "position": n, "blob_key": p.key} for n, p in enumerate(parts)],
        )
    return Content(content_id, size, md5.hex(), sha256.hex())


async def retrieve(connection: Connection, content_id: int) -> Content | None:
    """One content, or None."""
    return (await retrieve_many(connection, [content_id])).get(content_id)


async def retrieve_many(connection: Connection, content_ids: Collection[int]) -> dict[int, Content]:
    """Contents by id; missing ones are left out."""
    rows = await connection.execute(select(contents).where(contents.c.id.in_(content_ids)))
    return {row.id: Content(row.id, row.size, row.md5.hex(), row.sha256.hex()) for row in rows}


async def parts(connection: Connection, content_id: int) -> list[Part]:
    """The blobs of a content, in order."""
    rows = await connection.execute(
        select(blobs.c.key, blobs.c.size)
        .join(content_blobs, content_blobs.c.blob_key == blobs.c.key)
        .where(content_blobs.c.content_id == content_id)
        .order_by(content_blobs.c.position)
    )
    return [Part(row.key, row.size) for row in rows]
