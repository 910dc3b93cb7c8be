"""Renditions: other files of a version, one of each type."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from strongroom.domain.document import File, require_writing
from strongroom.domain.document_type import Classified, DocumentCatalog
from strongroom.domain.errors import InvalidData
from strongroom.services import document_types
from strongroom.services.documents.retrieve import retrieve_row
from strongroom.store import documents as rows
from strongroom.store import renditions
from strongroom.store.database import Connection
from strongroom.store.renditions import Key
from strongroom.vault import Vault

Number = tuple[int, int] | None
"""A version's number, or None for the latest version."""


async def rendition_types(vault: Vault, document_id: int, number: Number = None) -> tuple[list[str], list[str]]:
    """The rendition types that a version may have, and those that it has."""
    version = await retrieve_row(vault, document_id, number)
    catalog = await document_types.catalog(vault)
    async with vault.database.reading() as connection:
        present = await renditions.types_of(connection, (document_id, version.major, version.minor))
    return _allowed(catalog, version.type, version.subtype, version.classification, version.lifecycle), present


async def rendition(vault: Vault, document_id: int, rendition_type: str, number: Number = None) -> File:
    """One rendition."""
    version = await retrieve_row(vault, document_id, number)
    async with vault.database.reading() as connection:
        found = await renditions.retrieve(connection, (document_id, version.major, version.minor), rendition_type)
    if found is None:
        raise InvalidData(f"Document [{document_id}] has no rendition [{rendition_type}].")
    return found


async def add_rendition(vault: Vault, document_id: int, rendition_type: str, file: File, number: Number = None) -> None:
    """Add a rendition of a type that the document's type has and the version does not have yet."""
    async with _changing(vault, document_id, rendition_type, number) as (connection, key):
        if not await renditions.add(connection, key, rendition_type, file):
            raise InvalidData(f"Document [{document_id}] has a rendition [{rendition_type}] already.")


async def replace_rendition(
    vault: Vault, document_id: int, rendition_type: str, file: File, number: Number = None
) -> None:
    """Give a rendition another file."""
    async with _changing(vault, document_id, rendition_type, number) as (connection, key):
        if not await renditions.replace(connection, key, rendition_type, file):
            raise InvalidData(f"Document [{document_id}] has no rendition [{rendition_type}].")


async def delete_rendition(vault: Vault, document_id: int, rendition_type: str, number: Number = None) -> None:
    """Delete a rendition."""
    async with _changing(vault, document_id, rendition_type, number) as (connection, key):
        if not await renditions.remove(connection, key, rendition_type):
            raise InvalidData(f"Document [{document_id}] has no rendition [{rendition_type}].")


@asynccontextmanager
async def _changing(
    vault: Vault, document_id: int, rendition_type: str, number: Number
) -> AsyncIterator[tuple[Connection, Key]]:
    """A transaction that holds the document, so that the version is still there when its rendition is written."""
    require_writing(vault.user, "change")
    catalog = await document_types.catalog(vault)
    async with vault.database.transaction() as connection:
        await rows.lock(connection, document_id)
        version = await retrieve_row(vault.bound(connection), document_id, number)
        allowed = _allowed(catalog, version.type, version.subtype, version.classification, version.lifecycle)
        if rendition_type not in allowed:
            known = ", ".join(allowed) or "none"
            raise InvalidData(f"[rendition_type] is not one of this document's ({known}): [{rendition_type}].")
        yield connection, (document_id, version.major, version.minor)


def _allowed(
    catalog: DocumentCatalog, kind: str, subtype: str | None, classification: str | None, lifecycle: str
) -> list[str]:
    return list(catalog.renditions_of(Classified(kind, subtype, classification, lifecycle)))
