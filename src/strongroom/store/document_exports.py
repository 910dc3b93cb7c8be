"""What an export reads: versions with their source files, and renditions, many documents at a time."""

from collections.abc import Sequence

import msgspec
from sqlalchemy import Integer, TableValuedAlias, func, select

from strongroom.domain.document_export import RENDITIONS_FOLDER, ExportFile, Wanted
from strongroom.store import arrays
from strongroom.store.database import Connection, driver
from strongroom.store.tables import contents, document_versions, renditions

_VERSIONS = """
    SELECT
        asked.place, version.document_id, version.major, version.minor, version.filename, version.content_id,
        contents.size
    FROM unnest($1::integer[], $2::integer[], $3::integer[]) WITH ORDINALITY AS asked (document_id, major, minor, place)
    JOIN documents ON documents.id = asked.document_id
    JOIN document_versions AS version ON version.document_id = documents.id AND (
        (version.major = asked.major AND version.minor = asked.minor)
        OR (asked.major IS NULL AND $4)
        OR (asked.major IS NULL AND version.major = documents.latest_major AND version.minor = documents.latest_minor)
    )
    LEFT JOIN contents ON contents.id = version.content_id
    ORDER BY asked.place, version.major, version.minor
"""


class Version(msgspec.Struct, frozen=True):
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


async def versions_of(connection: Connection, wanted: Sequence[Wanted], *, all_versions: bool) -> list[list[Version]]:
    """The versions that each one asks for: the named one, else all or the latest, oldest first."""
    rows = await (await driver(connection)).fetch(
        _VERSIONS,
        [each.document_id for each in wanted],
        [each.major for each in wanted],
        [each.minor for each in wanted],
        all_versions,
    )
    versions: list[list[Version]] = [[] for _ in wanted]
    for place, *fields in rows:
        versions[place - 1].append(Version(*fields))
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


def _unnested(ids: Sequence[int]) -> TableValuedAlias:
    return arrays.table("wanted", {"id": (Integer(), ids)})
