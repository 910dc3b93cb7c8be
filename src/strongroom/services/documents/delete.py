"""Documents and versions are deleted. Their bytes stay until the sweep, since others may share or still read them."""

from collections.abc import Sequence
from typing import Any

from strongroom.domain.document import BATCH_MAX, RowResult, require_deleting
from strongroom.domain.errors import InvalidData, ParameterRequired, VaultError
from strongroom.services.documents.retrieve import existing
from strongroom.store import documents as rows
from strongroom.vault import Vault


async def delete(vault: Vault, document_id: int) -> None:
    """Delete a document with all its versions."""
    result = (await delete_many(vault, [{"id": document_id}]))[0]
    if result.error is not None:
        raise result.error


async def delete_version(vault: Vault, document_id: int, major: int, minor: int) -> None:
    """Delete one version; with the last one the document is gone."""
    async with vault.database.transaction() as connection:
        await rows.lock(connection, document_id)
        version = existing(await rows.version(connection, document_id, major, minor), document_id, (major, minor))
        require_deleting(vault.user, document_id, version.document_created_by)
        left = [number for number in await rows.version_numbers(connection, document_id) if number != (major, minor)]
        if not left:
            await rows.remove(connection, [document_id])
            return
        await rows.remove_version(connection, (document_id, major, minor))
        if version.is_latest:
            await rows.set_latest(connection, document_id, *left[-1])


async def delete_many(vault: Vault, given: Sequence[dict[str, Any]], *, id_param: str | None = None) -> list[RowResult]:
    """Delete up to 500 documents, named by ``id``, or by ``external_id__v`` if that is the ``id_param``."""
    if len(given) > BATCH_MAX:
        raise InvalidData(f"The batch has {len(given)} rows; {BATCH_MAX} are the most.")
    if id_param not in {None, "", "id", "external_id__v"}:
        raise InvalidData(f"[idParam] can only be external_id__v: [{id_param}].")
    by_external = id_param == "external_id__v"
    async with vault.database.transaction() as connection:
        keys = [_external_id(row) for row in given] if by_external else []
        named = await rows.ids_of(connection, [key for key in keys if key])
        wanted = [_wanted(row, named, by_external=by_external) for row in given]
        creators = await rows.creators(connection, [each for each in wanted if isinstance(each, int)])
        results = [_judged(vault, each, creators) for each in wanted]
        gone = [result.id for result in results if result.id is not None]
        await rows.remove(connection, gone)
    return results


def _external_id(row: dict[str, Any]) -> str | None:
    written = str(row.get("external_id__v") or "").strip()
    return written if "\0" not in written else None


def _wanted(row: dict[str, Any], named: dict[str, int], *, by_external: bool) -> int | VaultError:
    field = "external_id__v" if by_external else "id"
    written = str(row.get(field) or "").strip()
    if not written:
        return ParameterRequired.of(field)
    if by_external:
        return named.get(written) or InvalidData(f"There is no document with the [external_id__v] [{written[:60]}].")
    if not (written.isascii() and written.isdigit() and len(written) <= 10 and int(written) < 2**31):
        return InvalidData(f"[id] is not the id of a document: [{written[:60]}].")
    return int(written)


def _judged(vault: Vault, wanted: int | VaultError, creators: dict[int, int]) -> RowResult:
    if isinstance(wanted, VaultError):
        return RowResult(error=wanted)
    # Named twice in one batch: the second time it is gone.
    created_by = creators.pop(wanted, None)
    if created_by is None:
        return RowResult(error=InvalidData(f"There is no document [{wanted}]."))
    try:
        require_deleting(vault.user, wanted, created_by)
    except VaultError as error:
        return RowResult(error=error)
    return RowResult(wanted)
