"""Rows of document types, lifecycles and fields."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, select
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.document_type import DocumentCatalog, DocumentField, DocumentType, Lifecycle, State
from strongroom.store.database import Connection
from strongroom.store.tables import document_fields, document_lifecycles, document_types


async def catalog(connection: Connection) -> DocumentCatalog:
    """All types, lifecycles and fields."""
    types = await connection.execute(select(document_types).order_by(document_types.c.name))
    lifecycles = await connection.execute(select(document_lifecycles).order_by(document_lifecycles.c.name))
    fields = await connection.execute(select(document_fields).order_by(document_fields.c.name))
    return DocumentCatalog(
        {
            row.name: DocumentType(
                row.name, row.label, row.level, row.parent, tuple(row.lifecycles), tuple(row.renditions)
            )
            for row in types
        },
        {row.name: Lifecycle(row.name, row.label, tuple(State(**state) for state in row.states)) for row in lifecycles},
        {row.name: _field(row) for row in fields},
    )


async def put_types(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write types, parents first; those of the same name are replaced."""
    await _put(connection, document_types, rows)


async def put_lifecycles(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write lifecycles; those of the same name are replaced."""
    await _put(connection, document_lifecycles, rows)


async def put_fields(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write fields; those of the same name are replaced."""
    await _put(connection, document_fields, rows)


async def _put(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    statement = upsert(table)
    values = {column.name: statement.excluded[column.name] for column in table.c if column.name != "name"}
    await connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values), list(rows))


def _field(row: Any) -> DocumentField:
    values = tuple((value["name"], value["label"]) for value in row.values or [])
    return DocumentField(row.name, row.label, row.type, row.editable, row.required, row.repeating, values)
