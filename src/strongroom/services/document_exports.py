"""Exports of documents: which files there are, and how they get to file staging (rows, not bytes)."""

from collections.abc import Sequence
from datetime import timedelta

from msgspec.structs import replace

from strongroom.domain.document_export import RENDITIONS_FOLDER, ExportFile, Wanted
from strongroom.domain.staging import Extract
from strongroom.services import file_staging
from strongroom.store import document_exports as rows
from strongroom.vault import Vault

RETENTION = timedelta(hours=72)


async def count_versions(vault: Vault, wanted: Sequence[Wanted]) -> int:
    """How many versions these documents have, all in all."""
    async with vault.database.reading() as connection:
        return await rows.count_versions(connection, [each.document_id for each in wanted])


async def files_of(
    vault: Vault, wanted: Sequence[Wanted], *, source: bool, renditions: bool, all_versions: bool
) -> list[ExportFile]:
    """The files of these documents, in the order asked for; what has none is there too, with its problem."""
    async with vault.database.reading() as connection:
        versions = await rows.versions_of(connection, wanted, all_versions=all_versions)
        made = await rows.renditions_of(connection, wanted) if renditions else {}
    found: list[ExportFile] = []
    for each, matching in zip(wanted, versions, strict=True):
        if not matching:
            found.append(_missing(each))
        for version in matching:
            if source:
                found.append(_placed(version.source(), renditions=renditions))
            found.extend(made.get((version.document_id, version.major, version.minor), []))
    return found


async def put_on_staging(vault: Vault, job_id: int, files: Sequence[ExportFile]) -> None:
    """Write the files to the user's folder; they vanish after 72 hours."""
    folder = vault.user.folder
    extracts = [
        Extract(folder + file.path(job_id), file.content_id, file.size) for file in files if file.content_id is not None
    ]
    await file_staging.add_extracts(vault, extracts, expires_date=vault.clock.now() + RETENTION)


def _placed(file: ExportFile, *, renditions: bool) -> ExportFile:
    """A source file, or the problem that the folder of the renditions has its name."""
    if not (renditions and file.name == RENDITIONS_FOLDER):
        return file
    problem = f"The source file of document [{file.document_id}] has the name of the folder of its renditions."
    return replace(file, content_id=None, problem=problem)


def _missing(wanted: Wanted) -> ExportFile:
    if wanted.major is None:
        problem = f"There is no document [{wanted.document_id}]."
    else:
        problem = f"There is no version [{wanted.major}.{wanted.minor}] of document [{wanted.document_id}]."
    return ExportFile(wanted.document_id, wanted.major, wanted.minor, problem=problem)
