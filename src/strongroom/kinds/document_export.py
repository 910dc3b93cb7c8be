"""Export Documents: source files and renditions are put on file staging, in the folder of the user who asks."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import Meta

from strongroom.domain.document_export import EXPORT_MAX, ExportFile, Wanted
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import Job
from strongroom.sdk import InitContext, JobKind, ProcessContext, Start, results
from strongroom.services import document_exports, jobs
from strongroom.vault import Vault

Id = Annotated[int, Meta(ge=1, le=2**31 - 1)]
VersionNumber = Annotated[int, Meta(ge=0, le=2**31 - 1)]


@dataclass(frozen=True)
class DocumentRow:
    """A document to export."""

    id: Id


@dataclass(frozen=True)
class VersionRow:
    """A version of a document to export."""

    id: Id
    major_version_number__v: VersionNumber
    minor_version_number__v: VersionNumber


@dataclass(frozen=True)
class DocumentExportInput:
    """What is exported: either ``documents`` or ``versions``, and which of their files."""

    documents: list[DocumentRow] | None = None
    versions: list[VersionRow] | None = None
    source: bool = True
    renditions: bool = False
    allversions: bool = False

    def wanted(self) -> list[Wanted]:
        """What was asked for, in that order, each once."""
        if self.versions is not None:
            rows = [Wanted(v.id, v.major_version_number__v, v.minor_version_number__v) for v in self.versions]
        else:
            rows = [Wanted(document.id) for document in self.documents or []]
        return list(dict.fromkeys(rows))


class DocumentExport(JobKind[DocumentExportInput]):
    """Both calls of the API: by document and by version."""

    name = "export_documents"
    title = "Export Documents"
    input = DocumentExportInput
    start = (
        Start("POST", "/objects/documents/batch/actions/fileextract", rows="documents"),
        Start("POST", "/objects/documents/versions/batch/actions/fileextract", rows="versions"),
    )
    chunk_size = 500

    async def check(self, vault: Vault, given: DocumentExportInput) -> None:
        """Refuse an export of nothing, and one of more than 10,000 versions."""
        wanted = given.wanted()
        if not wanted:
            raise InvalidData('The body names no document: it must be an array such as [{"id": "318"}].')
        if not (given.source or given.renditions):
            raise InvalidData("[source] and [renditions] are both false: there is nothing to export.")
        count = len(wanted)
        if given.allversions and count <= EXPORT_MAX:
            count = await document_exports.count_versions(vault, wanted)
        if count > EXPORT_MAX:
            raise InvalidData(f"The export has {count} versions; {EXPORT_MAX} are the most in one request.")

    async def init(self, ctx: InitContext[DocumentExportInput]) -> AsyncIterator[dict[str, Any]]:
        """One item for each document or version that was asked for."""
        for wanted in ctx.input.wanted():
            yield wanted.to_item()

    async def process(self, ctx: ProcessContext[DocumentExportInput]) -> None:
        """Find the files of these documents and put them on file staging, with their rows of the result."""
        wanted = [Wanted.from_item(item) for item in ctx.task.items]
        files = await document_exports.files_of(
            ctx.vault,
            wanted,
            source=ctx.input.source,
            renditions=ctx.input.renditions,
            all_versions=ctx.input.allversions,
        )
        ctx.output["rows"] = [row.to_output() for row in files]
        for row in files:
            if row.problem:
                ctx.fail()
                await ctx.log(f"Document [{row.document_id}]: {row.problem}")
        ctx.apply(lambda vault: document_exports.put_on_staging(vault, ctx.job.id, files))
        exported = sum(not row.problem for row in files)
        await ctx.log(f"{ctx.task.id}: items: {len(wanted)}, files exported: {exported}")

    def started(self, job: Job, url: str) -> dict[str, Any]:
        """Vault gives the id of this job as a string."""
        return {"url": url, "job_id": str(job.id)}

    @results("/objects/documents/batch/actions/fileextract/{job_id}/results", rel="artifacts")
    async def results(self, vault: Vault, job: Job) -> dict[str, Any]:
        """Retrieve Document Export Results."""
        data = [
            ExportFile.from_output(row).to_result(job.id, job.created_by)
            async for task in jobs.task_outputs(vault, job)
            for row in (task.output or {}).get("rows", [])
        ]
        return {"job_id": job.id, "data": data}
