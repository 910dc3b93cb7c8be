"""What documents can be: types, subtypes and classifications with their lifecycles, and fields."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.call import Call
from strongroom.api.declaration import endpoint
from strongroom.domain.document_type import DocumentCatalog, DocumentField, DocumentType, Level
from strongroom.domain.errors import InvalidData
from strongroom.services import document_types

_METADATA = "/metadata/objects/documents"
_TYPES = f"{_METADATA}/types"
_BELOW = {"type": "subtypes", "subtype": "classifications"}


@dataclass(frozen=True)
class OneType:
    """The type, subtype or classification that is asked for, by names."""

    type: str
    subtype: str | None = None
    classification: str | None = None


@endpoint("GET", _TYPES)
async def retrieve_all_document_types(call: Call) -> dict[str, Any]:
    """Retrieve All Document Types."""
    catalog = await document_types.catalog(call.vault)
    return {"types": _references(call, _TYPES, _children(catalog, None))}


@endpoint("GET", f"{_TYPES}/{{type}}")
async def retrieve_document_type(call: Call, asked: OneType) -> dict[str, Any]:
    """Retrieve Document Type."""
    return await _retrieve(call, asked)


@endpoint("GET", f"{_TYPES}/{{type}}/subtypes/{{subtype}}")
async def retrieve_document_subtype(call: Call, asked: OneType) -> dict[str, Any]:
    """Retrieve Document Subtype."""
    return await _retrieve(call, asked)


@endpoint("GET", f"{_TYPES}/{{type}}/subtypes/{{subtype}}/classifications/{{classification}}")
async def retrieve_document_classification(call: Call, asked: OneType) -> dict[str, Any]:
    """Retrieve Document Classification."""
    return await _retrieve(call, asked)


@endpoint("GET", f"{_METADATA}/properties")
async def retrieve_all_document_fields(call: Call) -> dict[str, Any]:
    """Retrieve All Document Fields."""
    catalog = await document_types.catalog(call.vault)
    return {"properties": [_property(each) for each in catalog.fields.values()]}


async def _retrieve(call: Call, asked: OneType) -> dict[str, Any]:
    catalog = await document_types.catalog(call.vault)
    line = [_find(catalog, "type", asked.type, None)]
    path = f"{_TYPES}/{asked.type}"
    if asked.subtype is not None:
        line.append(_find(catalog, "subtype", asked.subtype, line[-1]))
        path += f"/subtypes/{asked.subtype}"
    if asked.classification is not None:
        line.append(_find(catalog, "classification", asked.classification, line[-1]))
    found = line[-1]
    # What a level leaves open is said by the one above it.
    renditions = next((each.renditions for each in reversed(line) if each.renditions), ())
    lifecycles = next((each.lifecycles for each in reversed(line) if each.lifecycles), ())
    reply: dict[str, Any] = {
        "name": found.name,
        "label": found.label,
        "renditions": list(renditions),
        "properties": [_property(each) for each in catalog.fields.values()],
        "availableLifecycles": [{"name": name, "label": catalog.lifecycles[name].label} for name in lifecycles],
    }
    if (below := _BELOW.get(found.level)) is not None:
        reply[below] = _references(call, f"{path}/{below}", _children(catalog, found))
    return reply


def _find(catalog: DocumentCatalog, level: Level, name: str, parent: DocumentType | None) -> DocumentType:
    found = catalog.types.get(name)
    if found is None or found.level != level or found.parent != (parent and parent.name):
        where = f" below [{parent.name}]" if parent else ""
        raise InvalidData(f"There is no document {level} [{name}]{where}.")
    return found


def _children(catalog: DocumentCatalog, parent: DocumentType | None) -> list[DocumentType]:
    return [each for each in catalog.types.values() if each.parent == (parent and parent.name)]


def _references(call: Call, path: str, kinds: list[DocumentType]) -> list[dict[str, str]]:
    return [{"label": each.label, "value": f"{call.url(path)}/{each.name}"} for each in kinds]


def _property(field: DocumentField) -> dict[str, Any]:
    keys: dict[str, Any] = {
        "name": field.name,
        "type": field.type,
        "required": field.required,
        "repeating": field.repeating,
        "systemAttribute": not field.editable,
        "editable": field.editable,
        "setOnCreateOnly": False,
        "disabled": False,
        "label": field.label,
        "hidden": False,
        "queryable": True,
    }
    if field.values:
        keys["entryLabels"] = [label for _, label in field.values]
        keys["values"] = [{"value": name, "label": label} for name, label in field.values]
    return keys
