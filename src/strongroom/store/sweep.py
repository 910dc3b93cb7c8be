"""What nobody refers to any more: contents, then blobs, then their bytes, each a day after the one before.

A content is deleted only while no row refers to it; the foreign keys of its referrers hold against the race. A blob's
row leaves a tombstone, and its bytes go a day later, since a download or an export that began before may still read.
"""

from datetime import datetime

from sqlalchemy import delete, exists, insert, literal, select

from strongroom.store.database import Connection
from strongroom.store.tables import (
    blob_tombstones,
    blobs,
    content_blobs,
    contents,
    document_versions,
    renditions,
    staging_items,
)


async def remove_contents(connection: Connection, before: datetime) -> int:
    """Delete contents that are older than ``before`` and that nothing refers to; returns how many."""
    referrers = (document_versions, renditions, staging_items)
    unused = [~exists().where(table.c.content_id == contents.c.id) for table in referrers]
    result = await connection.execute(delete(contents).where(contents.c.created_date < before, *unused))
    return result.rowcount


async def bury_blobs(connection: Connection, before: datetime, now: datetime) -> int:
    """Delete the rows of blobs that are in no content, and leave a tombstone for each; returns how many."""
    unused = ~exists().where(content_blobs.c.blob_key == blobs.c.key)
    gone = delete(blobs).where(blobs.c.created_date < before, unused).returning(blobs.c.key).cte("gone")
    result = await connection.execute(
        insert(blob_tombstones).from_select(["key", "deleted_date"], select(gone.c.key, literal(now)))
    )
    return result.rowcount


async def buried(connection: Connection, before: datetime, limit: int) -> list[str]:
    """Keys of blobs whose rows were deleted before that moment: their bytes may go."""
    keys = await connection.scalars(
        select(blob_tombstones.c.key).where(blob_tombstones.c.deleted_date < before).limit(limit)
    )
    return list(keys)


async def forget(connection: Connection, keys: list[str]) -> None:
    """Delete the tombstones of blobs whose bytes are gone."""
    await connection.execute(delete(blob_tombstones).where(blob_tombstones.c.key.in_(keys)))
