"""Documents are retrieved: one, all, their versions, their source files."""

from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.domain.document import DocumentView, File, Version, shown
from strongroom.domain.document_values import plain
from strongroom.domain.errors import InvalidData, InvalidFilter
from strongroom.domain.page import Window
from strongroom.services import document_types
from strongroom.store import documents as rows
from strongroom.store import renditions
from strongroom.vault import Vault

LIST_MAX = 200
NAMED_FILTERS = ("My Documents", "Favorites", "Recent Documents", "Cart")


@dataclass(frozen=True)
class DocumentQuery:
    """Which documents a list shows. ``sort`` is a field, with ``ASC`` or ``DESC`` behind it."""

    named_filter: str | None = None
    search: str | None = None
    versionscope: str | None = None
    sort: str = "id ASC"


async def retrieve(vault: Vault, document_id: int) -> DocumentView:
    """A document by its latest version, with the numbers of all versions."""
    async with vault.database.reading() as connection:
        version = existing(await rows.latest(connection, document_id), document_id)
        numbers = await rows.version_numbers(connection, document_id)
    return await _view(vault, version, numbers)


async def retrieve_version(vault: Vault, document_id: int, major: int, minor: int) -> DocumentView:
    """One version of a document."""
    async with vault.database.reading() as connection:
        version = await rows.version(connection, document_id, major, minor)
    found = existing(version, document_id, (major, minor))
    return await _view(vault, found, [(major, minor)])


async def list_documents(vault: Vault, query: DocumentQuery, window: Window) -> list[DocumentView]:
    """One page of the documents, by their latest versions or by all."""
    if query.named_filter is not None and query.named_filter not in NAMED_FILTERS:
        raise InvalidFilter(f"[named_filter] is none of {', '.join(NAMED_FILTERS)}: [{query.named_filter}].")
    if query.named_filter in {"Favorites", "Cart"}:
        return []
    if query.versionscope not in {None, "", "all", "latest"}:
        raise InvalidData(f"[versionscope] can only be all: [{query.versionscope}].")
    name, descending = _sort(query.sort or "id")
    search = plain("search", query.search or "")
    wanted = rows.Query(
        all_versions=query.versionscope == "all",
        created_by=vault.user.id if query.named_filter else None,
        search=search,
        sort=name,
        descending=descending,
    )
    async with vault.database.reading() as connection:
        found = await rows.page(connection, wanted, window)
    catalog = await document_types.catalog(vault)
    return [DocumentView(each.document_id, shown(each, catalog, vault.info.id)) for each in found]


async def source(vault: Vault, document_id: int, number: tuple[int, int] | None = None) -> File:
    """The source file of a version, or of the latest one."""
    version = await retrieve_row(vault, document_id, number)
    if version.file is None:
        raise InvalidData(f"Document [{document_id}] is a content placeholder: it has no source file.")
    return version.file


async def find(vault: Vault, *, external_id: str | None, name: str) -> int | None:
    """A document by its external id, or else by the name of its latest version."""
    async with vault.database.reading() as connection:
        if external_id is not None:
            return (await rows.ids_of(connection, [external_id])).get(external_id)
        return await rows.id_of_name(connection, name)


async def retrieve_row(vault: Vault, document_id: int, number: tuple[int, int] | None) -> Version:
    """One version, or the latest one, as it is kept."""
    async with vault.database.reading() as connection:
        if number is None:
            return existing(await rows.latest(connection, document_id), document_id)
        return existing(await rows.version(connection, document_id, *number), document_id, number)


def existing(version: Version | None, document_id: int, number: tuple[int, int] | None = None) -> Version:
    """The version, or the error that there is none."""
    if version is not None:
        return version
    if number is None:
        raise InvalidData(f"There is no document [{document_id}].")
    raise InvalidData(f"There is no version [{number[0]}.{number[1]}] of document [{document_id}].")


async def _view(vault: Vault, version: Version, numbers: Sequence[tuple[int, int]]) -> DocumentView:
    catalog = await document_types.catalog(vault)
    key = (version.document_id, version.major, version.minor)
    async with vault.database.reading() as connection:
        types = await renditions.types_of(connection, key)
    return DocumentView(version.document_id, shown(version, catalog, vault.info.id), list(numbers), types)


def _sort(written: str) -> tuple[str, bool]:
    name, _, direction = written.strip().partition(" ")
    direction = direction.strip().upper() or "ASC"
    if name not in rows.SORTABLE or direction not in {"ASC", "DESC"}:
        raise InvalidData(
            f"[sort] cannot be used: [{written}]; it must be one of {', '.join(rows.SORTABLE)}, ASC or DESC."
        )
    return name, direction == "DESC"
