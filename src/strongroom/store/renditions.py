"""Rows of renditions."""

from typing import Any

from sqlalchemy import delete, literal, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.document import File
from strongroom.store.database import Connection
from strongroom.store.tables import contents, renditions

Key = tuple[int, int, int]
"""Document id, major and minor version number."""

_RENDITION = renditions.c


async def types_of(connection: Connection, key: Key) -> list[str]:
    """The rendition types that a version has."""
    rows = await connection.scalars(
        select(_RENDITION.rendition_type).where(_of(key)).order_by(_RENDITION.rendition_type)
    )
    return list(rows)


async def retrieve(connection: Connection, key: Key, rendition_type: str) -> File | None:
    """One rendition, or None."""
    row = (
        await connection.execute(
            select(renditions, contents.c.size, contents.c.md5)
            .join(contents, contents.c.id == _RENDITION.content_id)
            .where(_of(key), _RENDITION.rendition_type == rendition_type)
        )
    ).one_or_none()
    return None if row is None else File(row.content_id, row.filename, row.format, row.size, row.md5.hex())


async def add(connection: Connection, key: Key, rendition_type: str, file: File) -> bool:
    """Insert a rendition; False if the version has one of that type."""
    made = await connection.scalar(
        upsert(renditions)
        .values(**_values(key, rendition_type, file))
        .on_conflict_do_nothing()
        .returning(_RENDITION.rendition_type)
    )
    return made is not None


async def replace(connection: Connection, key: Key, rendition_type: str, file: File) -> bool:
    """Give a rendition another file; False if there is none."""
    changed = await connection.scalar(
        renditions.update()
        .where(_of(key), _RENDITION.rendition_type == rendition_type)
        .values(content_id=file.content_id, filename=file.filename, format=file.format)
        .returning(_RENDITION.rendition_type)
    )
    return changed is not None


async def copy(connection: Connection, source: Key, target: Key) -> None:
    """Give a version the renditions of another one."""
    columns = ["document_id", "major", "minor", "rendition_type", "content_id", "filename", "format", "protected"]
    taken = select(*(_RENDITION[name] for name in columns[3:])).where(_of(source)).subquery()
    await connection.execute(
        renditions.insert().from_select(columns, select(*(literal(number) for number in target), taken))
    )


async def remove(connection: Connection, key: Key, rendition_type: str) -> bool:
    """Delete a rendition; False if there is none."""
    gone = await connection.scalar(
        delete(renditions)
        .where(_of(key), _RENDITION.rendition_type == rendition_type)
        .returning(_RENDITION.rendition_type)
    )
    return gone is not None


def _of(key: Key) -> Any:
    return tuple_(_RENDITION.document_id, _RENDITION.major, _RENDITION.minor) == key


def _values(key: Key, rendition_type: str, file: File) -> dict[str, Any]:
    return {
        "document_id": key[0],
        "major": key[1],
        "minor": key[2],
        "rendition_type": rendition_type,
        "content_id": file.content_id,
        "filename": file.filename,
        "format": file.format,
    }
