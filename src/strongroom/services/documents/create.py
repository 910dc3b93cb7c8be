"""Documents are created: one, or many at a time with files from file staging."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from strongroom.domain.dates import whole_second
from strongroom.domain.document import BATCH_MAX, File, RowResult, own_fields, require_writing
from strongroom.domain.document_type import UNCLASSIFIED_TYPE, Classified, DocumentCatalog
from strongroom.domain.document_values import one_line
from strongroom.domain.errors import InvalidData, ParameterRequired, VaultError
from strongroom.services import document_types
from strongroom.services.documents import files, numbers
from strongroom.store import documents as rows
from strongroom.vault import Vault

NAME_MAX = 100
"""Characters of a document's name, at most."""
KEY_MAX = 250
"""Characters of an external id or a document number, at most."""
_FIRST = (0, 1)
_CHECKED_ELSEWHERE = frozenset({"name__v", "type__v", "lifecycle__v"})


@dataclass(frozen=True)
class NewDocument:
    """What a document is made of. ``migration``: status, version and document number may be given, too."""

    fields: dict[str, Any]
    file: File | None = None
    migration: bool = False


@dataclass(frozen=True)
class _Checked:
    """A document that may be created; ``id`` is given before it is written."""

    id: int
    external_id: str | None
    version: dict[str, Any]


async def create(vault: Vault, new: NewDocument) -> int:
    """Create one document; returns its id. Without a file it is a content placeholder."""
    result = (await _create(vault, [new]))[0]
    if result.error is not None:
        raise result.error
    assert result.id is not None
    return result.id


async def create_many(vault: Vault, given: Sequence[dict[str, Any]], *, migration: bool = False) -> list[RowResult]:
    """Create up to 500 documents, whose column ``file`` is a path on file staging; each succeeds or fails alone."""
    if len(given) > BATCH_MAX:
        raise InvalidData(f"The batch has {len(given)} rows; {BATCH_MAX} are the most.")
    staged = await files.staged(vault, [str(row["file"]) for row in given if row.get("file")])
    return await _create(vault, [_row(row, staged, migration=migration) for row in given])


def _row(given: dict[str, Any], staged: dict[str, File | VaultError], *, migration: bool) -> NewDocument | VaultError:
    file = staged[str(given["file"])] if given.get("file") else None
    return file if isinstance(file, VaultError) else NewDocument(given, file, migration)


async def _create(vault: Vault, news: Sequence[NewDocument | VaultError]) -> list[RowResult]:
    require_writing(vault.user, "create")
    catalog = await document_types.catalog(vault)
    async with vault.database.transaction() as connection:
        ids = await rows.new_ids(connection, len(news))
        checked = [_try(vault, catalog, id_, new) for id_, new in zip(ids, news, strict=True)]
        good = [each for each in checked if isinstance(each, _Checked)]
        made = await rows.add(connection, [_document_row(each) for each in good])
        await rows.add_versions(connection, [each.version for each in good if each.id in made])
    return [_result(each, made) for each in checked]


def _result(checked: _Checked | VaultError, made: set[int]) -> RowResult:
    if isinstance(checked, VaultError):
        return RowResult(error=checked)
    if checked.id not in made:
        return RowResult(error=InvalidData(f"[external_id__v] is that of another document: [{checked.external_id}]."))
    return RowResult(checked.id, checked.external_id)


def _try(
    vault: Vault, catalog: DocumentCatalog, document_id: int, new: NewDocument | VaultError
) -> _Checked | VaultError:
    if isinstance(new, VaultError):
        return new
    try:
        return _check(vault, catalog, document_id, new)
    except VaultError as error:
        return error


def _check(vault: Vault, catalog: DocumentCatalog, document_id: int, new: NewDocument) -> _Checked:
    given = new.fields
    if given.get("fromTemplate"):
        raise InvalidData(f"[fromTemplate] names a template that does not exist: [{given['fromTemplate']}].")
    kind = catalog.classify({name: str(value) for name, value in given.items() if value is not None})
    major, minor = numbers.of_fields(given) or _FIRST if new.migration else _FIRST
    lifecycle = catalog.lifecycles[kind.lifecycle]
    state = lifecycle.state_of(minor)
    if new.migration and given.get("status__v"):
        state = catalog.state(kind.lifecycle, str(given["status__v"]))
    fields = {} if kind.type == UNCLASSIFIED_TYPE else own_fields(given, catalog)
    _require_fields(catalog, kind, fields)
    if new.migration and (number := _key("document_number__v", given)):
        fields["document_number__v"] = number
    now = whole_second(vault.clock.now())
    version = {
        "document_id": document_id,
        "major": major,
        "minor": minor,
        "name": _name(given, kind, new.file),
        "type": kind.type,
        "subtype": kind.subtype,
        "classification": kind.classification,
        "lifecycle": kind.lifecycle,
        "state": state.name,
        "fields": fields,
        "created_by": vault.user.id,
        "created_date": now,
        "modified_by": vault.user.id,
        "modified_date": now,
    }
    return _Checked(document_id, _key("external_id__v", given), version | files.columns(new.file))


def _key(field: str, given: dict[str, Any]) -> str | None:
    return one_line(field, given.get(field) or "", KEY_MAX) or None


def _name(given: dict[str, Any], kind: Classified, file: File | None) -> str:
    name = one_line("name__v", given.get("name__v") or "", NAME_MAX)
    if not name and kind.type == UNCLASSIFIED_TYPE and file is not None:
        name = file.filename[:NAME_MAX]
    if not name:
        raise ParameterRequired.of("name__v")
    return name


def _require_fields(catalog: DocumentCatalog, kind: Classified, fields: dict[str, Any]) -> None:
    if kind.type == UNCLASSIFIED_TYPE:
        return
    for known in catalog.fields.values():
        if known.required and known.name not in fields and known.name not in _CHECKED_ELSEWHERE:
            raise ParameterRequired.of(known.name)


def _document_row(checked: _Checked) -> dict[str, Any]:
    version = checked.version
    return {
        "id": checked.id,
        "external_id": checked.external_id,
        "created_by": version["created_by"],
        "created_date": version["created_date"],
        "latest_major": version["major"],
        "latest_minor": version["minor"],
    }
