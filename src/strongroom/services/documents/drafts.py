"""Documents are given new versions."""

from dataclasses import dataclass
from typing import Any, Literal

from strongroom.domain.dates import whole_second
from strongroom.domain.document import File, Version, own_fields, require_writing
from strongroom.domain.document_values import one_line, plain
from strongroom.domain.errors import InvalidData, OperationNotAllowed, ParameterRequired
from strongroom.services import document_types
from strongroom.services.documents import files
from strongroom.services.documents.create import NAME_MAX
from strongroom.services.documents.retrieve import existing
from strongroom.store import documents as rows
from strongroom.store import renditions
from strongroom.store.database import Connection
from strongroom.vault import Vault

Draft = Literal["latestContent", "uploadedContent"]
DESCRIPTION_MAX = 1500
"""Characters of a version's description, at most."""


@dataclass(frozen=True)
class NewVersion:
    """A version of a given number, as a seed or a migration writes it."""

    number: tuple[int, int]
    fields: dict[str, Any]
    status: str | None = None
    file: File | None = None


async def add_version(
    vault: Vault, document_id: int, *, draft: str | None, file: File | None = None, description: str | None = None
) -> tuple[int, int]:
    """Make a new draft of the latest or an uploaded content; a file alone fills a placeholder. Gives the number."""
    require_writing(vault.user, "change")
    if draft not in {None, "", "latestContent", "uploadedContent"}:
        raise InvalidData(f"[createDraft] must be latestContent or uploadedContent: [{draft}].")
    if draft != "latestContent" and file is None:
        raise ParameterRequired.of("file" if draft else "createDraft")
    description = plain("description__v", description or "", DESCRIPTION_MAX)
    async with vault.database.transaction() as connection:
        await rows.lock(connection, document_id)
        latest = existing(await rows.latest(connection, document_id), document_id)
        if not draft:
            assert file is not None
            return await _fill(connection, vault, latest, file)
        return await _draft(connection, vault, latest, file if draft == "uploadedContent" else None, description)


async def put_version(vault: Vault, document_id: int, new: NewVersion) -> None:
    """Write a version of a given number; it must not exist. What it does not say is that of the latest version."""
    require_writing(vault.user, "change")
    catalog = await document_types.catalog(vault)
    async with vault.database.transaction() as connection:
        await rows.lock(connection, document_id)
        latest = existing(await rows.latest(connection, document_id), document_id)
        if await rows.version(connection, document_id, *new.number) is not None:
            raise InvalidData(f"The version [{new.number[0]}.{new.number[1]}] of document [{document_id}] exists.")
        lifecycle = catalog.lifecycles[latest.lifecycle]
        state = catalog.state(latest.lifecycle, new.status) if new.status else lifecycle.state_of(new.number[1])
        row = _row(vault, latest, new.number, new.file)
        row |= {"state": state.name, "fields": latest.fields | own_fields(new.fields, catalog)}
        row["name"] = one_line("name__v", new.fields.get("name__v") or "", NAME_MAX) or latest.name
        await rows.add_versions(connection, [row])
        if new.number > (latest.major, latest.minor):
            await rows.set_latest(connection, document_id, *new.number)


async def _fill(connection: Connection, vault: Vault, latest: Version, file: File) -> tuple[int, int]:
    if latest.file is not None:
        raise OperationNotAllowed(
            f"Document [{latest.document_id}] has a file and is not checked out: send [createDraft] for a new version."
        )
    now = whole_second(vault.clock.now())
    values = files.columns(file) | {"modified_by": vault.user.id, "modified_date": now}
    await rows.set_file(connection, (latest.document_id, latest.major, latest.minor), values)
    return latest.major, latest.minor


async def _draft(
    connection: Connection, vault: Vault, latest: Version, file: File | None, description: str
) -> tuple[int, int]:
    # On the open connection: many drafts at once, each asking the pool for a second one, would wait for ever.
    catalog = await document_types.catalog(vault.bound(connection))
    number = (latest.major, latest.minor + 1)
    row = _row(vault, latest, number, file or latest.file)
    row["state"] = catalog.lifecycles[latest.lifecycle].state_of(number[1]).name
    if description:
        row["fields"] = latest.fields | {"description__v": description}
    await rows.add_versions(connection, [row])
    await rows.set_latest(connection, latest.document_id, *number)
    if file is None:
        before = (latest.document_id, latest.major, latest.minor)
        await renditions.copy(connection, before, (latest.document_id, *number))
    return number


def _row(vault: Vault, latest: Version, number: tuple[int, int], file: File | None) -> dict[str, Any]:
    now = whole_second(vault.clock.now())
    same = ("document_id", "name", "type", "subtype", "classification", "lifecycle", "state", "fields")
    row = {name: getattr(latest, name) for name in same}
    row |= {"major": number[0], "minor": number[1]} | files.columns(file)
    made = {"created_by": vault.user.id, "created_date": now, "modified_by": vault.user.id, "modified_date": now}
    return row | made
