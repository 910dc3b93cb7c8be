"""Export Documents in the demo: whole documents, named versions, and one document that does not exist."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath
from typing import Any

from rich.filesize import decimal

from strongroom.cli.client import Api
from strongroom.cli.demo.fingerprint import Fingerprint
from strongroom.cli.demo.job import DemoJob, UnexpectedError

_DOCUMENTS = "/objects/documents"
_PAGE = 200
_FEW = 3


@dataclass(frozen=True, order=True)
class Original:
    """A file of a document: a rendition of the named type, or, without one, the source."""

    document_id: int
    major: int
    minor: int
    rendition: str = ""

    @property
    def path(self) -> str:
        """Where the API gives it."""
        version = f"{_DOCUMENTS}/{self.document_id}/versions/{self.major}/{self.minor}"
        return f"{version}/renditions/{self.rendition}" if self.rendition else f"{version}/file"

    def __str__(self) -> str:
        version = f"{self.document_id} {self.major}.{self.minor}"
        return f"{self.rendition} of document {version}" if self.rendition else f"the source of document {version}"


Sources = dict[Original, dict[str, Any]]
"""The sources that the document list tells of, with the fields of their versions."""


@dataclass(frozen=True)
class Expected:
    """What an export must bring: these files and no others, and a failure for each of these documents."""

    files: tuple[Original, ...]
    sources: Sources
    missing: tuple[int, ...] = ()


def plan(api: Api) -> Sequence[DemoJob]:
    """Three exports, whose results follow from the list of all versions of all documents."""
    versions = _all_versions(api)
    sources = {_source(fields): fields for fields in versions if fields.get("md5checksum__v")}
    return [_whole_documents(api, sources), _named_versions(sources), _one_missing(versions, sources)]


def verify(expected: Expected, api: Api, results: dict[str, Any]) -> str:
    """Compare the rows with what is expected, and each file on file staging with its original."""
    rows = [row for row in results["data"] if row["responseStatus"] == "SUCCESS"]
    failed = sorted(row["id"] for row in results["data"] if row["responseStatus"] != "SUCCESS")
    if failed != sorted(expected.missing):
        raise UnexpectedError(f"The failed rows are {failed}; they must be {sorted(expected.missing)}.")
    _compare_lists(expected.files, [_original(row) for row in rows])
    size = sum(_compare_file(api, row, expected.sources) for row in rows)
    shown = f"{len(rows)} files, {decimal(size)}, all identical"
    return f"{shown}; document {_enumerated(failed)} is missing, as it must be" if failed else shown


def _whole_documents(api: Api, sources: Sources) -> DemoJob:
    ids = sorted({source.document_id for source in sources})
    files = [*sources, *(rendition for source in sources for rendition in _renditions(api, source))]
    expected = Expected(tuple(files), sources)
    query = "?source=true&renditions=true&allversions=true"
    return _job(
        "all versions and renditions", f"/batch/actions/fileextract{query}", [{"id": str(i)} for i in ids], expected
    )


def _named_versions(sources: Sources) -> DemoJob:
    older = [source for source, fields in sources.items() if not fields["latest_version__v"]]
    rows = [
        {
            "id": str(source.document_id),
            "major_version_number__v": source.major,
            "minor_version_number__v": source.minor,
        }
        for source in older
    ]
    return _job("named versions", "/versions/batch/actions/fileextract", rows, Expected(tuple(older), sources))


def _one_missing(versions: Sequence[dict[str, Any]], sources: Sources) -> DemoJob:
    nobody = max(fields["id"] for fields in versions) + 1
    few = [source for source, fields in sources.items() if fields["latest_version__v"]][:_FEW]
    rows = [{"id": str(each)} for each in (few[0].document_id, nobody, *(source.document_id for source in few[1:]))]
    return _job("one is missing", "/batch/actions/fileextract", rows, Expected(tuple(few), sources, (nobody,)))


def _job(what: str, path: str, rows: list[dict[str, Any]], expected: Expected) -> DemoJob:
    def start(api: Api) -> int:
        return int(api.post(f"{_DOCUMENTS}{path}", json=rows)["job_id"])

    status = "ERRORS_ENCOUNTERED" if expected.missing else "SUCCESS"
    return DemoJob(f"Export Documents: {what}", status, start, partial(verify, expected))


def _all_versions(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = api.get(_DOCUMENTS, versionscope="all", limit=_PAGE, start=len(found))["documents"]
        found += [row["document"] for row in page]
        if len(page) < _PAGE:
            return found


def _source(fields: dict[str, Any]) -> Original:
    return Original(fields["id"], fields["major_version_number__v"], fields["minor_version_number__v"])


def _renditions(api: Api, source: Original) -> list[Original]:
    version = source.path.removesuffix("/file")
    present = api.get(f"{version}/renditions")["renditions"]
    return [Original(source.document_id, source.major, source.minor, name) for name in present]


def _original(row: dict[str, Any]) -> Original:
    """The file that a row of the results is a copy of: renditions lie in a folder of that name."""
    path = PurePosixPath(row["file"])
    rendition = path.stem if path.parent.name == "renditions" else ""
    return Original(row["id"], row["major_version_number__v"], row["minor_version_number__v"], rendition)


def _compare_lists(expected: Iterable[Original], found: Iterable[Original]) -> None:
    wanted, given = Counter(expected), Counter(found)
    if lacking := sorted((wanted - given).elements()):
        raise UnexpectedError(f"The results lack {_enumerated(lacking)}.")
    if surplus := sorted((given - wanted).elements()):
        raise UnexpectedError(f"The results have {_enumerated(surplus)} once too often.")


def _compare_file(api: Api, row: dict[str, Any], sources: Sources) -> int:
    """Compare the exported file with the original and, for a source, with what the document's fields say of it."""
    staged = f"u{row['user_id__v']}{row['file']}"
    exported = Fingerprint.of(api.download(f"/services/file_staging/items/content/{staged}"))
    original = _original(row)
    if exported != Fingerprint.of(api.download(original.path)):
        raise UnexpectedError(f"{staged} on file staging differs from {original}.")
    fields = sources.get(original)
    if fields and (fields["size__v"], fields["md5checksum__v"]) != (exported.size, exported.md5):
        raise UnexpectedError(f"{staged} on file staging has not the size and MD5 that {original} has by its fields.")
    if fields and fields["filename__v"] != PurePosixPath(staged).name:
        raise UnexpectedError(f"{staged} on file staging has not the name of {original}, {fields['filename__v']}.")
    return exported.size


def _enumerated(things: Sequence[object]) -> str:
    shown = ", ".join(str(thing) for thing in things[:_FEW])
    return f"{shown} and {len(things) - _FEW} more" if len(things) > _FEW else shown
