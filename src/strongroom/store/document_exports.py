"""What an export reads: versions with their source files, and renditions, many documents at a time."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Integer, TableValuedAlias, func, select

from strongroom.domain.document_export import RENDITIONS_FOLDER, ExportFile, Wanted
from strongroom.store import arrays
from strongroom.store.database import Connection
from strongroom.store.tables import contents, document_versions, documents, renditions


@dataclass(frozen=True)
class Version:
    """A version, and its source file if it has one."""

    document_id: int
    major: int
    minor: int
    filename: str | None
    content_id: int | None
    size: int | None

    def source(self) -> ExportFile:
        """The source file, or the problem that there is none."""
        place = (self.document_id, self.major, self.minor)
        if self.content_id is None or self.filename is None or self.size is None:
            problem = f"Version [{self.major}.{self.minor}] of document [{self.document_id}] has no source file."
            return ExportFile(*place, problem=problem)
        return ExportFile(*place, self.filename, self.content_id, self.size)


async def count_versions(connection: Connection, document_ids: Sequence[int]) -> int:
    """How many versions these documents have in all."""
    ids = _unnested(document_ids)
    count = await connection.scalar(
        select(func.count()).select_from(document_versions).join(ids, document_versions.c.document_id == ids.c.id)
    )
    return count or 0


async def versions_of(
    connection: Connection, wanted: Sequence[Wanted], *, all_versions: bool
) -> dict[Wanted, list[Version]]:
    """The versions that each one asks for: the named one, else all or the latest, oldest first."""
    version = document_versions.c
    asked = _asked(wanted)
    named = (version.major == asked.c.major) & (version.minor == asked.c.minor)
    latest = (version.major == documents.c.latest_major) & (version.minor == documents.c.latest_minor)
    chosen = asked.c.major.is_(None) if all_versions else asked.c.major.is_(None) & latest
    found = await connection.execute(
        select(
            asked.c.position,
            version.document_id,
            version.major,
            version.minor,
            version.filename,
            version.content_id,
            contents.c.size,
        )
        .join(documents, documents.c.id == asked.c.document_id)
        .join(document_versions, (version.document_id == documents.c.id) & (named | chosen))
        .outerjoin(contents, contents.c.id == version.content_id)
        .order_by(asked.c.position, version.major, version.minor)
    )
    versions: dict[Wanted, list[Version]] = {}
    for position, *fields in found:
        versions.setdefault(wanted[position], []).append(Version(*fields))
    return versions


async def renditions_of(
    connection: Connection, wanted: Sequence[Wanted]
) -> dict[tuple[int, int, int], list[ExportFile]]:
    """The renditions of these documents that may leave the Vault, by document, major and minor number."""
    rendition = renditions.c
    ids = _unnested([each.document_id for each in wanted])
    found = await connection.execute(
        select(
            rendition.document_id,
            rendition.major,
            rendition.minor,
            rendition.rendition_type,
            rendition.filename,
            rendition.content_id,
            contents.c.size,
        )
        .join(contents, contents.c.id == rendition.content_id)
        .where(rendition.document_id.in_(select(ids.c.id)), ~rendition.protected)
        .order_by(rendition.document_id, rendition.major, rendition.minor, rendition.rendition_type)
    )
    made: dict[tuple[int, int, int], list[ExportFile]] = {}
    for document_id, major, minor, rendition_type, filename, content_id, size in found:
        ending = filename.rpartition(".")[2] if "." in filename else "pdf"
        name = f"{RENDITIONS_FOLDER}/{rendition_type}.{ending}"
        file = ExportFile(document_id, major, minor, name, content_id, size)
        made.setdefault((document_id, major, minor), []).append(file)
    return made


def _asked(wanted: Sequence[Wanted]) -> TableValuedAlias:
    columns = {
        "position": (Integer(), range(len(wanted))),
        "document_id": (Integer(), [each.document_id for each in wanted]),
        "major": (Integer(), [each.major for each in wanted]),
        "minor": (Integer(), [each.minor for each in wanted]),
    }
    return arrays.table("asked", columns)


def _unnested(ids: Sequence[int]) -> TableValuedAlias:
    return arrays.table("wanted", {"id": (Integer(), ids)})
