"""What documents of this Vault can be: types, lifecycles and fields."""

from collections.abc import Iterable
from typing import Any

import msgspec

from strongroom.domain import seed
from strongroom.domain.document_type import DocumentCatalog
from strongroom.store import document_types as rows
from strongroom.vault import Vault


async def catalog(vault: Vault) -> DocumentCatalog:
    """All types, lifecycles and fields."""
    async with vault.database.reading() as connection:
        return await rows.catalog(connection)


async def apply_catalog(vault: Vault, described: seed.Seed) -> None:
    """Write what a seed says of types, lifecycles and fields; those of the same name are replaced."""
    types = [row for each in described.document_types for row in _type_rows(each)]
    lifecycles = [
        {"name": each.name, "label": each.label, "states": msgspec.to_builtins(each.states)}
        for each in described.document_lifecycles
    ]
    async with vault.database.transaction() as connection:
        await rows.put_lifecycles(connection, lifecycles)
        await rows.put_types(connection, types)
        await rows.put_fields(connection, [_field_row(each) for each in described.document_fields])


def _type_rows(kind: seed.DocumentType) -> Iterable[dict[str, Any]]:
    yield _row(kind, "type", None)
    for subtype in kind.subtypes:
        yield _row(subtype, "subtype", kind.name)
        for classification in subtype.classifications:
            yield _row(classification, "classification", subtype.name)


def _row(
    kind: seed.DocumentType | seed.DocumentSubtype | seed.DocumentClassification, level: str, parent: str | None
) -> dict[str, Any]:
    return {
        "name": kind.name,
        "label": kind.label,
        "level": level,
        "parent": parent,
        "lifecycles": list(kind.lifecycles),
        "renditions": list(kind.renditions),
    }


def _field_row(field: seed.DocumentField) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "editable": field.editable,
        "required": field.required,
        "repeating": field.repeating,
        "values": msgspec.to_builtins(field.values) or None,
    }
