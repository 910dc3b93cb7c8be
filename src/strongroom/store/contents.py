"""Rows of blobs and contents."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, insert, literal, select, update

from strongroom.domain.content import Blob, Content
from strongroom.store.database import Connection
from strongroom.store.tables import blobs, content_blobs, contents

NAMED_WITHIN = timedelta(hours=12)
"""How long after its bytes a blob's row may be written. Bytes without a row are kept for a day at least, and a
transaction that somebody has left open is ended before the other half of it is over."""


@dataclass(frozen=True)
class Part:
    """One blob of a content, in order."""

    key: str
    size: int


class LateError(Exception):
    """The row of a blob would come so long after its bytes that these may be gone."""


async def add(connection: Connection, parts: Sequence[Blob], size: int, sha256: bytes, md5: bytes) -> Content:
    """Write the row of a content, whose blobs have theirs."""
    content_id = await connection.scalar(
        insert(contents).values(size=size, sha256=sha256, md5=md5).returning(contents.c.id)
    )
    assert content_id is not None
    if parts:
        await connection.execute(
            insert(content_blobs),
            [{"content_id": content_id, "position": n, "blob_key": p.key} for n, p in enumerate(parts)],
        )
    return Content(content_id, size, md5.hex(), sha256.hex())


async def add_blob(connection: Connection, blob: Blob) -> None:
    """Write the row of a blob whose bytes are durable. Raises ``LateError``; the database's clock decides."""
    values = {"key": blob.key, "size": blob.size, "sha256": blob.sha256, "md5": blob.md5}
    typed = [literal(value, blobs.c[name].type) for name, value in values.items()]
    in_time = select(*typed).where(func.now() < literal(blob.written + NAMED_WITHIN, blobs.c.created_date.type))
    if (await connection.execute(insert(blobs).from_select(list(values), in_time))).rowcount == 0:
        raise LateError(blob.key)


async def hold(connection: Connection, keys: Sequence[str]) -> None:
    """Say that blobs are needed that no content names yet. Raises ``LateError`` when the sweep has taken one."""
    held = await connection.execute(update(blobs).where(blobs.c.key.in_(keys)).values(created_date=func.now()))
    if held.rowcount != len(keys):
        raise LateError(", ".join(keys))


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
