"""What nobody refers to any more: contents, then blobs, then their bytes; and bytes that no row has ever named.

Three things keep what is needed. Age: each step waits a day, since a request or a job that has just read a row may be
about to refer to it, and a reader needs the bytes. Locks: a row that somebody is referring to at this moment is passed
over. Foreign keys: what is referred to cannot be deleted, whatever this module believes.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Text, and_, delete, exists, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.store import arrays
from strongroom.store.database import Connection
from strongroom.store.tables import (
    blob_tombstones,
    blobs,
    content_blobs,
    contents,
    document_versions,
    renditions,
    staging_items,
    vaults,
)

_REFERRERS = (document_versions, renditions, staging_items)


async def mark_unused_contents(connection: Connection, now: datetime) -> None:
    """Note since when contents have been without a referrer, and forget it of those that have one again."""
    since = contents.c.unused_date
    await connection.execute(update(contents).where(since.is_not(None), ~_unreferred()).values(unused_date=None))
    await connection.execute(update(contents).where(since.is_(None), _unreferred()).values(unused_date=now))


async def remove_contents(connection: Connection, before: datetime, most: int) -> int:
    """Delete contents that have been unused since before that moment; returns how many."""
    unused = and_(contents.c.unused_date < before, _unreferred())
    # Locked first and looked at again: who refers to one in between would make the deletion of all of them fail.
    chosen = select(contents.c.id).where(unused).limit(most).with_for_update(skip_locked=True)
    locked = await connection.scalars(chosen)
    result = await connection.execute(delete(contents).where(contents.c.id.in_(locked.all()), unused))
    return result.rowcount


async def bury_blobs(connection: Connection, before: datetime, now: datetime, most: int) -> int:
    """Delete the rows of old blobs that are in no content, and leave a tombstone for each; returns how many."""
    unused = and_(blobs.c.created_date < before, ~exists().where(content_blobs.c.blob_key == blobs.c.key))
    chosen = select(blobs.c.key).where(unused).limit(most).with_for_update(skip_locked=True)
    locked = await connection.scalars(chosen)
    gone = delete(blobs).where(blobs.c.key.in_(locked.all()), unused).returning(blobs.c.key).cte("gone")
    tombstones = upsert(blob_tombstones).from_select(["key", "deleted_date"], select(gone.c.key, literal(now)))
    result = await connection.execute(
        tombstones.on_conflict_do_update(index_elements=["key"], set_={"deleted_date": now})
    )
    return result.rowcount


async def claim_search(connection: Connection, now: datetime, before: datetime) -> bool:
    """Take the next search of the blob store on oneself; False if one has begun since that moment."""
    last = vaults.c.searched_date
    result = await connection.execute(
        update(vaults).where(or_(last.is_(None), last < before)).values(searched_date=now)
    )
    return result.rowcount > 0


async def bury_strays(connection: Connection, keys: Sequence[str], now: datetime) -> int:
    """Leave a tombstone for each of these keys that no row names; returns how many."""
    found = arrays.table("found", {"key": (Text(), keys)})
    named = exists().where(blobs.c.key == found.c.key)
    strays = select(found.c.key, literal(now)).where(~named)
    result = await connection.execute(
        upsert(blob_tombstones).from_select(["key", "deleted_date"], strays).on_conflict_do_nothing()
    )
    return result.rowcount


async def buried(connection: Connection, before: datetime, most: int) -> list[str]:
    """Keys of blobs that were buried before that moment and have no row: their bytes may go."""
    keys = await connection.scalars(
        select(blob_tombstones.c.key).where(blob_tombstones.c.deleted_date < before, ~_named()).limit(most)
    )
    return list(keys)


async def forget(connection: Connection, keys: list[str]) -> None:
    """Delete the tombstones of blobs whose bytes are gone, and of those that have got a row after all."""
    await connection.execute(delete(blob_tombstones).where(or_(blob_tombstones.c.key.in_(keys), _named())))


def _unreferred() -> ColumnElement[bool]:
    return and_(*(~exists().where(table.c.content_id == contents.c.id) for table in _REFERRERS))


def _named() -> ColumnElement[bool]:
    return exists().where(blobs.c.key == blob_tombstones.c.key)
