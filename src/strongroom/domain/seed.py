"""A seed: what a seed file (TOML) says that a Vault has, in the words of the API.

Every struct refuses keys that it does not know; the checks here need nothing but the value itself. File names have been
turned into absolute paths of existing files before they come here.
"""

import re
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from strongroom.domain.errors import InvalidData
from strongroom.domain.seed_checks import check, check_name, check_timezone, check_unique
from strongroom.domain.seed_jobs import JobDefinition

VERSION = re.compile(r"(0|[1-9]\d{0,4})\.(0|[1-9]\d{0,4})")
FIELD_TYPES = ("String", "LongText", "Number", "Date", "DateTime", "Boolean", "Picklist", "ObjectReference")
_KEYS_OF_DOCUMENT = ("external_id__v", "type__v", "subtype__v", "classification__v", "lifecycle__v")


class SeedError(InvalidData):
    """A seed file that cannot be used; the sentence names the file, the table and the key."""


class User(Struct, frozen=True, forbid_unknown_fields=True):
    """A user. Without ``password`` one is made up when the user is, and written into the data directory."""

    user_name__v: str
    user_first_name__v: str
    user_last_name__v: str
    user_email__v: str
    user_timezone__v: str = "UTC"
    user_locale__v: str = "en_US"
    user_language__v: str = "en"
    security_profile__v: str = "document_user__v"
    license_type__v: str = "full__v"
    active__v: bool = True
    password: str | None = None

    def __post_init__(self) -> None:
        check(self.user_name__v.strip(), "user_name__v is empty")
        check_timezone(self.user_timezone__v)
        check(self.password != "", "password is empty; leave the key out to have one made up")


class RenditionType(Struct, frozen=True, forbid_unknown_fields=True):
    """A kind of rendition that versions may have."""

    name: str
    label: str

    def __post_init__(self) -> None:
        check_name(self.name)


class LifecycleState(Struct, frozen=True, forbid_unknown_fields=True):
    """A state: ``initial`` for the first one of a document, ``steady`` for those of versions like 1.0."""

    name: str
    label: str
    initial: bool = False
    steady: bool = False

    def __post_init__(self) -> None:
        check_name(self.name)


class DocumentLifecycle(Struct, frozen=True, forbid_unknown_fields=True):
    """The states that a document goes through, in order."""

    name: str
    label: str
    states: tuple[LifecycleState, ...]

    def __post_init__(self) -> None:
        check_name(self.name)
        check_unique("state", [state.name for state in self.states])
        first = [state.name for state in self.states if state.initial]
        check(len(first) == 1, f"exactly one state must have initial = true, not {len(first)}")


class PicklistValue(Struct, frozen=True, forbid_unknown_fields=True):
    """One value of a picklist field."""

    name: str
    label: str

    def __post_init__(self) -> None:
        check_name(self.name)


class DocumentField(Struct, frozen=True, forbid_unknown_fields=True):
    """A field of all documents. ``system`` fields are kept by the Vault itself and never edited."""

    name: str
    label: str
    type: str
    editable: bool = True
    required: bool = False
    repeating: bool = False
    system: bool = False
    values: tuple[PicklistValue, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        check(self.type in FIELD_TYPES, f"type [{self.type}] is none of {', '.join(FIELD_TYPES)}")
        check(not (self.system and self.editable), "a system field cannot be editable")
        check((self.type == "Picklist") == bool(self.values), "values belong to a Picklist, and a Picklist needs them")
        check_unique("value", [value.name for value in self.values])


class DocumentClassification(Struct, frozen=True, forbid_unknown_fields=True):
    """The third level of document types. Empty ``lifecycles`` and ``renditions``: those of its subtype."""

    name: str
    label: str
    lifecycles: tuple[str, ...] = ()
    renditions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)


class DocumentSubtype(Struct, frozen=True, forbid_unknown_fields=True):
    """The second level of document types. Empty ``lifecycles`` and ``renditions``: those of its type."""

    name: str
    label: str
    lifecycles: tuple[str, ...] = ()
    renditions: tuple[str, ...] = ()
    classifications: tuple[DocumentClassification, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)


class DocumentType(Struct, frozen=True, forbid_unknown_fields=True):
    """A document type, with the lifecycles and the rendition types that its documents may have."""

    name: str
    label: str
    lifecycles: tuple[str, ...]
    renditions: tuple[str, ...] = ()
    subtypes: tuple[DocumentSubtype, ...] = ()

    def __post_init__(self) -> None:
        check_name(self.name)
        check(self.lifecycles, "lifecycles must name at least one")


class DocumentVersion(Struct, frozen=True, forbid_unknown_fields=True):
    """One version. Without ``status__v`` it has the initial state, or the first steady one if its minor number is 0.

    ``fields`` are those that change with this version, and stay so in the next; ``renditions`` are files by their type.
    """

    number: str = "0.1"
    status__v: str | None = None
    file: Path | None = None
    filename__v: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    renditions: dict[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(VERSION.fullmatch(self.number), f"number [{self.number}] is not like 0.1 or 1.0")
        check(self.filename__v is None or self.file is not None, "filename__v is given without a file")
        check("/" not in (self.filename__v or ""), "filename__v is a name, not a path")
        _check_fields(self.fields, _KEYS_OF_DOCUMENT)

    @property
    def key(self) -> tuple[int, int]:
        """The major and the minor version number."""
        major, minor = self.number.split(".")
        return int(major), int(minor)


class Document(Struct, frozen=True, forbid_unknown_fields=True):
    """A document; without ``versions`` it is a content placeholder, version 0.1.

    It is known again by its ``external_id__v``, or else by its name.
    """

    name__v: str
    type__v: str
    lifecycle__v: str
    subtype__v: str | None = None
    classification__v: str | None = None
    external_id__v: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    versions: tuple[DocumentVersion, ...] = field(default_factory=lambda: (DocumentVersion(),))

    def __post_init__(self) -> None:
        check(self.name__v.strip(), "name__v is empty")
        check(self.classification__v is None or self.subtype__v is not None, "classification__v needs a subtype__v")
        check(self.versions, "versions is empty; leave the key out for a placeholder")
        keys = [version.key for version in self.versions]
        check(keys == sorted(set(keys)), "versions must be in rising order, each number once")
        _check_fields(self.fields, ("name__v", *_KEYS_OF_DOCUMENT))

    @property
    def identity(self) -> str:
        """What it is known by."""
        return self.key or self.latest_name

    @property
    def key(self) -> str | None:
        """The external id, as it is kept."""
        return (self.external_id__v or "").strip() or None

    @property
    def latest_name(self) -> str:
        """The name that it has in the end, as it is kept: versions may change it."""
        names = (str(version.fields.get("name__v", "")).strip() for version in reversed(self.versions))
        return next((name for name in names if name), self.name__v.strip())


class StagedItem(Struct, frozen=True, forbid_unknown_fields=True):
    """A file or (without ``file``) a folder on file staging.

    ``path`` is seen from the staging root, or from the folder of the user that ``user_name__v`` names.
    """

    path: str
    file: Path | None = None
    user_name__v: str | None = None

    def __post_init__(self) -> None:
        parts = [part for part in self.path.split("/") if part]
        check(parts, "path is empty")
        check(".." not in parts and "." not in parts, f"path [{self.path}] must not contain . or ..")


class Seed(Struct, frozen=True, forbid_unknown_fields=True):
    """What a seed file says; ``source`` is that file and never a key in it."""

    source: Path
    users: tuple[User, ...] = ()
    rendition_types: tuple[RenditionType, ...] = ()
    document_lifecycles: tuple[DocumentLifecycle, ...] = ()
    document_fields: tuple[DocumentField, ...] = ()
    document_types: tuple[DocumentType, ...] = ()
    documents: tuple[Document, ...] = ()
    file_staging: tuple[StagedItem, ...] = ()
    job_definitions: tuple[JobDefinition, ...] = ()

    def __post_init__(self) -> None:
        check_unique("user", [user.user_name__v.lower() for user in self.users])
        check_unique("rendition type", [each.name for each in self.rendition_types])
        check_unique("lifecycle", [each.name for each in self.document_lifecycles])
        check_unique("document field", [each.name for each in self.document_fields])
        check_unique("document type", list(_type_names(self.document_types)))
        check_unique("job definition", [each.name for each in self.job_definitions])
        check_unique("document", [document.identity for document in self.documents])
        check_unique("staged path", [f"{each.user_name__v or ''}:{each.path.strip('/')}" for each in self.file_staging])


def _type_names(types: tuple[DocumentType, ...]) -> Iterable[str]:
    for each in types:
        yield each.name
        for subtype in each.subtypes:
            yield from (subtype.name, *(classification.name for classification in subtype.classifications))


def _check_fields(fields: dict[str, Any], elsewhere: tuple[str, ...]) -> None:
    for name, value in fields.items():
        check(name not in elsewhere, f"[{name}] is a key of the document and cannot be given in fields")
        check_name(name)
        check(_is_plain(value), f"the value of [{name}] is not a text, number, date, boolean or list of texts")


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, (str, int, float, bool, date, datetime))
