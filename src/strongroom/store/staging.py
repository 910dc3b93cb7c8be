"""Rows of file staging items."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Text, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.staging import ROOT, Extract, StagingItem, folders_above, name_of, parent_of
from strongroom.store import arrays
from strongroom.store.database import Connection, driver
from strongroom.store.tables import staging_items

_ITEM = staging_items.c

_ADD_FOLDERS = """
    INSERT INTO staging_items (path, parent, name, kind, modified_date, modified_by)
    SELECT path, parent, name, 'folder', $4::timestamptz, $5::integer
    FROM unnest($1::text[], $2::text[], $3::text[]) AS given (path, parent, name)
    ON CONFLICT DO NOTHING
    RETURNING path
"""

_OCCUPIED = "SELECT path FROM staging_items WHERE path = ANY($1::text[]) AND kind = 'file'"

_ADD_EXTRACTS = """
    INSERT INTO staging_items (
        path, parent, name, kind, content_id, size, modified_date, modified_by, expires_date
    )
    SELECT path, parent, name, 'file', content_id, size, $6::timestamptz, $7::integer, $8::timestamptz
    FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bigint[])
        AS given (path, parent, name, content_id, size)
    ON CONFLICT (path) DO UPDATE SET
        content_id = excluded.content_id,
        size = excluded.size,
        modified_date = excluded.modified_date,
        modified_by = excluded.modified_by,
        expires_date = excluded.expires_date
    WHERE staging_items.kind = 'file'
    RETURNING path
"""


async def retrieve(connection: Connection, path: str, *, lock: bool = False) -> StagingItem | None:
    """One item, or None; ``lock`` keeps it as it is until the transaction ends."""
    statement = select(staging_items).where(_ITEM.path == path)
    row = (await connection.execute(statement.with_for_update() if lock else statement)).one_or_none()
    return None if row is None else _item(row)


async def files(connection: Connection, paths: Collection[str]) -> dict[str, StagingItem]:
    """The files among these paths, by path."""
    rows = await connection.execute(select(staging_items).where(_among(paths), _ITEM.kind == "file"))
    return {row.path: _item(row) for row in rows}


async def add_folders(connection: Connection, paths: Collection[str], now: datetime, user_id: int) -> set[str]:
    """Make folders that are missing; gives those that were made."""
    # In order: two transactions that make the same folders wait for each other instead of locking each other out.
    rows = await (await driver(connection)).fetch(_ADD_FOLDERS, *_places(sorted(paths)), now, user_id)
    return {path for (path,) in rows}


async def occupied(connection: Connection, paths: Collection[str]) -> list[str]:
    """Those of these paths where a file lies: no folder can be there."""
    rows = await (await driver(connection)).fetch(_OCCUPIED, list(paths))
    return [path for (path,) in rows]


async def add_file(connection: Connection, item: StagingItem, user_id: int) -> bool:
    """Insert a file; False if something lies there already."""
    assert item.modified_date is not None
    values = {"path": item.path, "parent": parent_of(item.path), "name": item.name, "kind": "file"}
    values |= {"content_id": item.content_id, "size": item.size} | _made(item.modified_date, user_id)
    made = await connection.scalar(
        upsert(staging_items).values(**values).on_conflict_do_nothing().returning(_ITEM.path)
    )
    return made is not None


async def replace_file(connection: Connection, item: StagingItem, user_id: int) -> bool:
    """Give a file another content; False if there is no file."""
    assert item.modified_date is not None
    changed = await connection.scalar(
        staging_items.update()
        .where(_ITEM.path == item.path, _ITEM.kind == "file")
        .values(content_id=item.content_id, size=item.size, expires_date=None, **_made(item.modified_date, user_id))
        .returning(_ITEM.path)
    )
    return changed is not None


async def add_extracts(
    connection: Connection, extracts: Sequence[Extract], *, now: datetime, expires: datetime, user_id: int
) -> set[str]:
    """Write many files in one statement; gives their paths, without those where a folder is.

    Each path must be there once. A file of that path, left by an earlier try, gets this content.
    """
    extracts = sorted(extracts, key=lambda extract: extract.path)
    rows = await (await driver(connection)).fetch(
        _ADD_EXTRACTS,
        *_places([extract.path for extract in extracts]),
        [extract.content_id for extract in extracts],
        [extract.size for extract in extracts],
        now,
        user_id,
        expires,
    )
    return {path for (path,) in rows}


async def list_below(
    connection: Connection, folder: str, *, recursive: bool, after: str, limit: int
) -> list[StagingItem]:
    """Items of a folder whose path comes after ``after``, in the order of their paths."""
    where = _below(folder) if recursive else (_ITEM.parent == folder)
    rows = await connection.execute(
        select(staging_items).where(where, _ITEM.path > after).order_by(_ITEM.path).limit(limit)
    )
    return [_item(row) for row in rows]


async def remove_expired(connection: Connection, now: datetime) -> int:
    """Delete files whose time is over, and the folders of exports that are empty then; returns how many files."""
    gone = list(await connection.scalars(delete(staging_items).where(_ITEM.expires_date <= now).returning(_ITEM.path)))
    folders = sorted({folder for path in gone for folder in folders_above(path)[1:]}, key=len, reverse=True)
    for folder in folders:
        inside = staging_items.alias("inside")
        empty = ~select(inside.c.path).where(inside.c.parent == folder).exists()
        await connection.execute(delete(staging_items).where(_ITEM.path == folder, _ITEM.kind == "folder", empty))
    return len(gone)


async def remove(connection: Connection, path: str) -> int:
    """Delete an item and all below it; returns how many rows that were."""
    result = await connection.execute(delete(staging_items).where((_ITEM.path == path) | _below(path)))
    return result.rowcount


def _among(paths: Collection[str]) -> ColumnElement[bool]:
    wanted = arrays.table("wanted", {"path": (Text(), list(paths))})
    return _ITEM.path.in_(select(wanted.c.path))


def _places(paths: Sequence[str]) -> tuple[Sequence[str], list[str], list[str]]:
    """The columns that say where items lie: path, parent, name."""
    return paths, [parent_of(path) for path in paths], [name_of(path) for path in paths]


def _below(folder: str) -> ColumnElement[bool]:
    # Paths are in byte order, and "0" is the character after "/": all below a folder are one range of the index.
    prefix = "" if folder == ROOT else folder
    return (_ITEM.path > prefix + "/") & (_ITEM.path < prefix + "0")


def _made(now: datetime, user_id: int) -> dict[str, Any]:
    return {"modified_date": now, "modified_by": user_id}


def _item(row: Any) -> StagingItem:
    if row.kind == "folder":
        return StagingItem("folder", row.path)
    return StagingItem("file", row.path, row.content_id, row.size, row.modified_date)
