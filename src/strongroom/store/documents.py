"""Rows of documents and their versions."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, Select, and_, cast, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.document import File, Version
from strongroom.domain.page import Window
from strongroom.store.database import Connection
from strongroom.store.tables import contents, document_versions, documents

_VERSION = document_versions.c
_IS_LATEST = and_(_VERSION.major == documents.c.latest_major, _VERSION.minor == documents.c.latest_minor)
SORTABLE = {
    "id": documents.c.id,
    "name__v": _VERSION.name,
    "external_id__v": documents.c.external_id,
    "document_creation_date__v": documents.c.created_date,
    "version_modified_date__v": _VERSION.modified_date,
    "major_version_number__v": _VERSION.major,
    "minor_version_number__v": _VERSION.minor,
}
"""The fields that a list can be sorted by."""


@dataclass(frozen=True)
class Query:
    """Which versions a list shows, and in which order."""

    all_versions: bool = False
    created_by: int | None = None
    search: str | None = None
    sort: str = "id"
    descending: bool = False


async def new_ids(connection: Connection, count: int) -> list[int]:
    """Ids for new documents, in rising order."""
    sequence = func.pg_get_serial_sequence("documents", "id")
    ids = await connection.scalars(
        select(cast(func.nextval(sequence), Integer)).select_from(func.generate_series(1, count))
    )
    return list(ids)


async def add(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[int]:
    """Insert documents; gives the ids of those whose external id was free."""
    if not rows:
        return set()
    made = await connection.scalars(upsert(documents).on_conflict_do_nothing().returning(documents.c.id), list(rows))
    return set(made)


async def add_versions(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Insert versions of documents that exist."""
    if rows:
        await connection.execute(insert(document_versions), list(rows))


async def set_latest(connection: Connection, document_id: int, major: int, minor: int) -> None:
    """Name the latest version of a document."""
    await connection.execute(
        update(documents).where(documents.c.id == document_id).values(latest_major=major, latest_minor=minor)
    )


async def set_file(connection: Connection, key: tuple[int, int, int], values: dict[str, Any]) -> None:
    """Give a version a file."""
    await connection.execute(
        update(document_versions)
        .where(tuple_(_VERSION.document_id, _VERSION.major, _VERSION.minor) == key)
        .values(**values)
    )


async def lock(connection: Connection, document_id: int) -> bool:
    """Keep a document as it is until the transaction ends; False if there is none."""
    found = await connection.scalar(select(documents.c.id).where(documents.c.id == document_id).with_for_update())
    return found is not None


async def latest(connection: Connection, document_id: int) -> Version | None:
    """The latest version of a document, or None."""
    row = (await connection.execute(_versions().where(documents.c.id == document_id, _IS_LATEST))).one_or_none()
    return None if row is None else _version(row)


async def version(connection: Connection, document_id: int, major: int, minor: int) -> Version | None:
    """One version of a document, or None."""
    chosen = (documents.c.id == document_id, _VERSION.major == major, _VERSION.minor == minor)
    row = (await connection.execute(_versions().where(*chosen))).one_or_none()
    return None if row is None else _version(row)


async def version_numbers(connection: Connection, document_id: int) -> list[tuple[int, int]]:
    """The version numbers of a document, oldest first."""
    rows = await connection.execute(
        select(_VERSION.major, _VERSION.minor)
        .where(_VERSION.document_id == document_id)
        .order_by(_VERSION.major, _VERSION.minor)
    )
    return [(row.major, row.minor) for row in rows]


async def page(connection: Connection, query: Query, window: Window) -> list[Version]:
    """One page of the list of documents."""
    statement = _versions()
    if not query.all_versions:
        statement = statement.where(_IS_LATEST)
    if query.created_by is not None:
        statement = statement.where(documents.c.created_by == query.created_by)
    if query.search:
        statement = statement.where(_VERSION.name.icontains(query.search, autoescape=True))
    column = SORTABLE[query.sort]
    order = column.desc() if query.descending else column
    statement = statement.order_by(order, documents.c.id, _VERSION.major, _VERSION.minor)
    rows = await connection.execute(statement.limit(window.limit).offset(window.offset))
    return [_version(row) for row in rows]


async def creators(connection: Connection, document_ids: Collection[int]) -> dict[int, int]:
    """Who created these documents, by id; missing ones are left out. The rows are locked."""
    rows = await connection.execute(
        select(documents.c.id, documents.c.created_by)
        .where(documents.c.id.in_(document_ids))
        .order_by(documents.c.id)
        .with_for_update()
    )
    return {row.id: row.created_by for row in rows}


async def ids_of(connection: Connection, external_ids: Collection[str]) -> dict[str, int]:
    """The documents of these external ids."""
    rows = await connection.execute(
        select(documents.c.external_id, documents.c.id).where(documents.c.external_id.in_(external_ids))
    )
    return {row.external_id: row.id for row in rows}


async def id_of_name(connection: Connection, name: str) -> int | None:
    """The first document whose latest version has this name."""
    found: int | None = await connection.scalar(
        select(documents.c.id)
        .join(document_versions, _VERSION.document_id == documents.c.id)
        .where(_VERSION.name == name, _IS_LATEST)
        .order_by(documents.c.id)
        .limit(1)
    )
    return found


async def remove(connection: Connection, document_ids: Collection[int]) -> None:
    """Delete documents with their versions and renditions."""
    await connection.execute(delete(documents).where(documents.c.id.in_(document_ids)))


async def remove_version(connection: Connection, key: tuple[int, int, int]) -> None:
    """Delete a version with its renditions."""
    await connection.execute(
        delete(document_versions).where(tuple_(_VERSION.document_id, _VERSION.major, _VERSION.minor) == key)
    )


def _versions() -> Select[Any]:
    return (
        select(
            document_versions,
            documents.c.external_id,
            documents.c.created_by.label("document_created_by"),
            documents.c.created_date.label("document_created_date"),
            _IS_LATEST.label("is_latest"),
            contents.c.size,
            contents.c.md5,
        )
        .join(documents, documents.c.id == _VERSION.document_id)
        .outerjoin(contents, contents.c.id == _VERSION.content_id)
    )


def _version(row: Any) -> Version:
    file = None
    if row.content_id is not None:
        file = File(row.content_id, row.filename, row.format, row.size, row.md5.hex())
    columns = (
        "document_id",
        "major",
        "minor",
        "serial",
        "name",
        "type",
        "subtype",
        "classification",
        "lifecycle",
        "state",
    )
    more = ("fields", "created_by", "created_date", "modified_by", "modified_date", "external_id")
    last = ("document_created_by", "document_created_date", "is_latest")
    return Version(file=file, **{name: getattr(row, name) for name in (*columns, *more, *last)})
