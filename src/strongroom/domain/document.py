"""Documents: their versions, what of them the API shows, and who may do what."""

import mimetypes
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from strongroom.domain.dates import written
from strongroom.domain.document_type import DocumentCatalog
from strongroom.domain.document_values import kept, shown_value
from strongroom.domain.errors import InsufficientAccess
from strongroom.domain.user import User

BATCH_MAX = 500
"""Rows of a bulk call, at most."""
READ_ONLY_PROFILE = "read_only_user__v"

_SYSTEM_NAMES = frozenset(
    {"id", "file", "createdraft", "suppressrendition", "fromtemplate", "type__v", "subtype__v", "classification__v"}
    | {"lifecycle__v", "status__v", "name__v", "external_id__v", "major_version_number__v", "minor_version_number__v"}
)


@dataclass(frozen=True)
class File:
    """A source file or a rendition; ``format`` is its MIME type."""

    content_id: int
    filename: str
    format: str
    size: int
    md5: str


@dataclass(frozen=True)
class Version:
    """One version of a document, with what belongs to the document as a whole."""

    document_id: int
    major: int
    minor: int
    serial: int  # counts all versions of the Vault, in the order in which they were made
    name: str
    type: str
    subtype: str | None
    classification: str | None
    lifecycle: str
    state: str
    file: File | None
    fields: dict[str, Any]
    created_by: int
    created_date: datetime
    modified_by: int
    modified_date: datetime
    external_id: str | None
    document_created_by: int
    document_created_date: datetime
    is_latest: bool


@dataclass(frozen=True)
class DocumentView:
    """A document as the API shows it: its fields, its versions as (major, minor), its rendition types."""

    id: int
    fields: dict[str, Any]
    versions: list[tuple[int, int]] = field(default_factory=list)
    renditions: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class RowResult:
    """What became of one row of a bulk call: an id, or the error that refused it."""

    id: int | None = None
    external_id: str | None = None
    error: Exception | None = None


def shown(version: Version, catalog: DocumentCatalog, vault_id: int) -> dict[str, Any]:
    """The fields of a version in the words of the API; what has no value is left out."""
    number = f"{version.major}_{version.minor}"
    fields: dict[str, Any] = {
        "id": version.document_id,
        "version_id": f"{version.document_id}_{number}",
        "global_id__sys": f"{vault_id}_{version.document_id}",
        "global_version_id__sys": f"{vault_id}_{version.document_id}_{version.serial}",
        "name__v": version.name,
        "document_number__v": version.fields.get("document_number__v") or f"VV-{version.document_id:05d}",
        "type__v": _label(catalog, version.type),
        "subtype__v": _label(catalog, version.subtype),
        "classification__v": _label(catalog, version.classification),
        "lifecycle__v": _lifecycle_label(catalog, version.lifecycle),
        "status__v": _state_label(catalog, version.lifecycle, version.state),
        "external_id__v": version.external_id,
        "major_version_number__v": version.major,
        "minor_version_number__v": version.minor,
        "latest_version__v": version.is_latest,
        "binder__v": False,
        "crosslink__v": False,
        "locked__v": False,
        "created_by__v": version.document_created_by,
        "document_creation_date__v": written(version.document_created_date),
        "version_created_by__v": version.created_by,
        "version_creation_date__v": written(version.created_date),
        "version_modified_date__v": written(version.modified_date),
        "last_modified_by__v": version.modified_by,
    }
    if version.file is not None:
        fields |= {
            "filename__v": version.file.filename,
            "format__v": version.file.format,
            "size__v": version.file.size,
            "md5checksum__v": version.file.md5,
        }
    own = {name: shown_value(catalog.fields.get(name), value) for name, value in version.fields.items()}
    return {name: value for name, value in (own | fields).items() if value is not None}


def own_fields(given: dict[str, Any], catalog: DocumentCatalog) -> dict[str, Any]:
    """The values of the editable fields of the catalog, as they are kept; names that nobody knows are ignored."""
    own: dict[str, Any] = {}
    for name, given_value in given.items():
        known = catalog.fields.get(name)
        if known is None or not known.editable or name.lower() in _SYSTEM_NAMES:
            continue
        if (value := kept(known, given_value)) is not None:
            own[name] = value
    return own


def format_of(filename: str) -> str:
    """The MIME type of a file, by its name."""
    return _TYPES.guess_type(filename, strict=True)[0] or "application/octet-stream"


def require_writing(user: User, deed: str) -> None:
    """Refuse users who may only read."""
    if user.security_profile == READ_ONLY_PROFILE:
        raise InsufficientAccess(f"User [{user.id}] may only read documents, not {deed} them.")


def require_deleting(user: User, document_id: int, created_by: int) -> None:
    """Only who has created a document, or an admin, may delete it."""
    require_writing(user, "delete")
    if not user.is_admin and user.id != created_by:
        raise InsufficientAccess(f"User [{user.id}] may not delete document [{document_id}] of another user.")


# Python's own table alone: the machine's would make the answer differ from host to host.
_TYPES = mimetypes.MimeTypes(filenames=())
_TYPES.add_type("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx")
_TYPES.add_type("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx")
_TYPES.add_type("application/vnd.openxmlformats-officedocument.presentationml.presentation", ".pptx")


def _label(catalog: DocumentCatalog, name: str | None) -> str | None:
    found = catalog.types.get(name) if name else None
    return found.label if found else name


def _lifecycle_label(catalog: DocumentCatalog, name: str) -> str:
    found = catalog.lifecycles.get(name)
    return found.label if found else name


def _state_label(catalog: DocumentCatalog, lifecycle: str, name: str) -> str:
    found = catalog.lifecycles.get(lifecycle)
    states = {state.name: state.label for state in found.states} if found else {}
    return states.get(name, name)
