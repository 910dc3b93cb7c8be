"""Documents of a seed: made with all their versions and renditions, or not at all."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import anyio

from strongroom.domain import dates, seed
from strongroom.domain.content import Content
from strongroom.domain.document import File
from strongroom.domain.document_type import DocumentCatalog, DocumentField
from strongroom.domain.errors import InvalidData
from strongroom.services import contents, documents
from strongroom.services.documents import NewDocument, NewVersion, files
from strongroom.vault import Vault

PIECE = 1024 * 1024
_KINDS: dict[str, tuple[type, ...]] = {
    "Number": (int, float),
    "Boolean": (bool,),
    "Date": (date,),
    "DateTime": (datetime,),
}


async def write(vault: Vault, described: seed.Document, catalog: DocumentCatalog) -> bool:
    """Make a document; one that is there already stays as it is, and the answer is False."""
    if await documents.find(vault, external_id=described.key, name=described.latest_name) is not None:
        return False
    known = [_values(each.fields, catalog) for each in described.versions]
    fields = _values(described.fields, catalog)
    sources = [await _file(vault, each.file, each.filename__v) for each in described.versions]
    renditions = [
        {kind: await _file(vault, each, None) for kind, each in v.renditions.items()} for v in described.versions
    ]
    async with vault.database.transaction() as connection:
        bound = vault.bound(connection)
        first = _first(described, fields | known[0], sources[0])
        document_id = await documents.create(bound, first)
        for version, own, file in list(zip(described.versions, known, sources, strict=True))[1:]:
            await documents.put_version(bound, document_id, NewVersion(version.key, own, version.status__v, file))
        for version, made in zip(described.versions, renditions, strict=True):
            for kind, rendition in made.items():
                assert rendition is not None
                await documents.add_rendition(bound, document_id, kind, rendition, version.key)
    return True


async def store(vault: Vault, file: Path) -> Content:
    """Keep the bytes of a file."""
    return await contents.store(vault, _pieces(file))


def _first(described: seed.Document, fields: dict[str, Any], file: File | None) -> NewDocument:
    version = described.versions[0]
    names = ("name__v", "type__v", "subtype__v", "classification__v", "lifecycle__v", "external_id__v")
    given = {name: getattr(described, name) for name in names if getattr(described, name) is not None}
    given |= dict(zip(("major_version_number__v", "minor_version_number__v"), version.key, strict=True))
    if version.status__v is not None:
        given["status__v"] = version.status__v
    return NewDocument(given | fields, file, migration=True)


async def _file(vault: Vault, file: Path | None, filename: str | None) -> File | None:
    return None if file is None else files.uploaded(await store(vault, file), filename or file.name)


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(file, "rb") as source:
        while piece := await source.read(PIECE):
            yield piece


def _values(fields: dict[str, Any], catalog: DocumentCatalog) -> dict[str, Any]:
    """The fields as they are kept; a seed has no field that nobody knows, unlike a request, where it is ignored."""
    return {name: _value(catalog.fields.get(name), name, value) for name, value in fields.items()}


def _value(field: DocumentField | None, name: str, value: Any) -> Any:
    if field is None:
        raise InvalidData(f"there is no document field [{name}]")
    if not field.editable:
        raise InvalidData(f"[{name}] is kept by the Vault and cannot be given in fields")
    if isinstance(value, list) != field.repeating:
        raise InvalidData(f"[{name}] must {'' if field.repeating else 'not '}be a list")
    for each in value if isinstance(value, list) else [value]:
        _check(field, each)
    if isinstance(value, datetime):
        return dates.written(value)
    return value.isoformat() if isinstance(value, date) else value


def _check(field: DocumentField, value: Any) -> None:
    wanted = _KINDS.get(field.type, (str,))
    # Python's bool is an int and its datetime a date; a seed's are not.
    of_kind = isinstance(value, wanted) and (type(value) in wanted or not isinstance(value, bool | datetime))
    if not of_kind:
        raise InvalidData(f"[{field.name}] is a field of type {field.type} and cannot be [{value}]")
    if isinstance(value, datetime) and value.tzinfo is None:
        raise InvalidData(f"[{field.name}] needs an offset from UTC, such as the Z in 2026-03-01T12:00:00Z")
    names = [name for name, _ in field.values]
    if field.type == "Picklist" and value not in names:
        raise InvalidData(f"[{field.name}] cannot be [{value}]; its values are {', '.join(names)}")
