import asyncio
import time
from typing import Any

import pytest
from tests.services.documents import bytes_of, document, file_of

from strongroom.domain.errors import InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, JobStatus
from strongroom.domain.user import User
from strongroom.kinds.document_export import DocumentExport, DocumentExportInput, DocumentRow, VersionRow
from strongroom.services import contents, documents, file_staging, jobs, users
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def export(vault: Vault, given: DocumentExportInput) -> tuple[Job, list[dict[str, Any]]]:
    kind = DocumentExport()
    job = await jobs.start(vault, kind, given)
    deadline = time.monotonic() + 30
    while not (job := await jobs.retrieve(vault, job.id)).status.is_terminal:
        assert time.monotonic() < deadline, f"job {job.id} is still {job.status}"
        await asyncio.sleep(0.02)
    return job, (await kind.results(vault, job))["data"]


def by_id(*ids: int) -> list[DocumentRow]:
    return [DocumentRow(each) for each in ids]


async def staged(vault: Vault, job: Job, row: dict[str, Any]) -> bytes:
    assert row["file"].startswith(f"/{job.id}/")
    item = await file_staging.open_file(vault, f"u{row['user_id__v']}/{row['file']}")
    assert item.content_id is not None
    return await bytes_of(vault, item.content_id)


async def test_source_files_come_to_the_users_folder_byte_for_byte(vault: Vault, running_worker: None) -> None:
    first = await document(vault, "One", b"bytes of one", "One and only.txt")
    second = await document(vault, "Two", b"", "empty.bin")
    job, rows = await export(vault, DocumentExportInput(documents=by_id(second, first)))
    assert job.status is JobStatus.SUCCESS
    assert rows == [
        {
            "responseStatus": "SUCCESS",
            "id": each,
            "major_version_number__v": 0,
            "minor_version_number__v": 1,
            "file": f"/{job.id}/{each}/0_1/{name}",
            "user_id__v": vault.user.id,
        }
        for each, name in ((second, "empty.bin"), (first, "One and only.txt"))
    ]
    assert [await staged(vault, job, row) for row in rows] == [b"", b"bytes of one"]
    assert [link.rel for link in job.links] == ["artifacts"]


async def test_an_admin_may_spell_an_exported_file_without_the_own_folder(vault: Vault, running_worker: None) -> None:
    made = await document(vault, "One", b"one", "one.txt")
    _, rows = await export(vault, DocumentExportInput(documents=by_id(made)))
    item = await file_staging.open_file(vault, rows[0]["file"])
    assert item.content_id is not None
    assert await bytes_of(vault, item.content_id) == b"one"


async def test_all_versions_and_renditions_where_they_exist(vault: Vault, running_worker: None) -> None:
    made = await document(vault, "V", b"1", "v.docx")
    await documents.add_rendition(vault, made, "viewable_rendition__v", await file_of(vault, b"pdf 1", "v.pdf"))
    await documents.add_version(vault, made, draft="uploadedContent", file=await file_of(vault, b"2", "v.docx"))
    job, rows = await export(vault, DocumentExportInput(documents=by_id(made), renditions=True, allversions=True))
    files = [row["file"].removeprefix(f"/{job.id}/{made}/") for row in rows]
    assert files == ["0_1/v.docx", "0_1/renditions/viewable_rendition__v.pdf", "0_2/v.docx"]
    assert [await staged(vault, job, row) for row in rows] == [b"1", b"pdf 1", b"2"]
    job, rows = await export(vault, DocumentExportInput(documents=by_id(made), source=False, renditions=True))
    assert (job.status, rows) == (JobStatus.SUCCESS, [])


async def test_named_versions_are_exported_and_missing_ones_are_failed_rows(vault: Vault, running_worker: None) -> None:
    made = await document(vault, "V", b"1", "v.txt")
    await documents.add_version(vault, made, draft="uploadedContent", file=await file_of(vault, b"2", "w.txt"))
    wanted = [VersionRow(made, 0, 1), VersionRow(made, 7, 0), VersionRow(made, 0, 1)]
    job, rows = await export(vault, DocumentExportInput(versions=wanted))
    assert (job.status, job.failed_tasks) == (JobStatus.ERRORS_ENCOUNTERED, 1)
    assert [row["responseStatus"] for row in rows] == ["SUCCESS", "FAILURE"]
    assert await staged(vault, job, rows[0]) == b"1"
    assert rows[1]["errors"] == [
        {"type": "INVALID_DATA", "message": f"There is no version [7.0] of document [{made}]."}
    ]


async def test_a_missing_document_and_a_placeholder_fail_and_the_rest_is_exported(
    vault: Vault, running_worker: None
) -> None:
    made, empty = await document(vault, "Here", b"here"), await document(vault, "Placeholder", None)
    job, rows = await export(vault, DocumentExportInput(documents=by_id(2_000_000_000, made, empty)))
    assert job.status is JobStatus.ERRORS_ENCOUNTERED
    assert [(row["id"], row["responseStatus"]) for row in rows] == [
        (2_000_000_000, "FAILURE"),
        (made, "SUCCESS"),
        (empty, "FAILURE"),
    ]
    assert await staged(vault, job, rows[1]) == b"here"
    log = [line.text for line in await jobs.log(vault, job.id)]
    assert any("There is no document [2000000000]." in line for line in log)


async def test_a_user_finds_the_export_in_the_own_folder(
    vault: Vault, system_vault: Vault, running_worker: None
) -> None:
    user_id = await users.create(vault, users.NewUser("t@x", "T", "R", "t@x"))
    user = vault.as_user(await users.retrieve(vault, user_id))
    made = await document(vault, "Shared", b"shared", "s.txt")
    job, rows = await export(user, DocumentExportInput(documents=by_id(made)))
    item = await file_staging.open_file(user, rows[0]["file"])
    assert item.path == f"/{job.id}/{made}/0_1/s.txt"
    stranger = vault.as_user(User(999, "s@x", "S", "S", "s@x"))
    with pytest.raises(InvalidData):
        await file_staging.open_file(stranger, rows[0]["file"])


async def test_a_source_file_with_the_name_of_the_renditions_folder_fails_alone(
    vault: Vault, running_worker: None
) -> None:
    odd, plain = await document(vault, "Odd", b"odd", "renditions"), await document(vault, "Plain", b"plain", "p.txt")
    for each in (odd, plain):
        await documents.add_rendition(vault, each, "viewable_rendition__v", await file_of(vault, b"pdf", "v.pdf"))
    job, rows = await export(vault, DocumentExportInput(documents=by_id(odd, plain), renditions=True))
    assert job.status is JobStatus.ERRORS_ENCOUNTERED
    assert [row["responseStatus"] for row in rows] == ["FAILURE", "SUCCESS", "SUCCESS", "SUCCESS"]
    assert [await staged(vault, job, row) for row in rows[1:]] == [b"pdf", b"plain", b"pdf"]
    job, rows = await export(vault, DocumentExportInput(documents=by_id(odd)))
    assert await staged(vault, job, rows[0]) == b"odd"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (DocumentExportInput(documents=[]), "names no document"),
        (DocumentExportInput(documents=by_id(1), source=False), "nothing to export"),
        (DocumentExportInput(documents=by_id(*range(1, 10_002))), "10001 versions"),
    ],
)
async def test_exports_that_are_refused(vault: Vault, given: DocumentExportInput, message: str) -> None:
    with pytest.raises(InvalidData, match=message):
        await jobs.start(vault, DocumentExport(), given)


async def test_ten_thousand_documents_are_one_export(vault: Vault, running_worker: None) -> None:
    file = await file_of(vault, b"the same bytes", "same.txt")
    ids: list[int] = []
    row = {"name__v": "N", "type__v": "General", "lifecycle__v": "General Lifecycle"}
    await file_staging.create_file(vault, "/same.txt", await contents.retrieve(vault, file.content_id))
    for _ in range(20):
        results = await documents.create_many(vault, [row | {"file": "/same.txt"}] * 500)
        ids += [result.id for result in results if result.id is not None]
    assert len(set(ids)) == 10_000
    job, rows = await export(vault, DocumentExportInput(documents=by_id(*ids)))
    assert (job.status, job.total_tasks) == (JobStatus.SUCCESS, 20)
    assert [row["id"] for row in rows] == ids
    assert await staged(vault, job, rows[-1]) == b"the same bytes"


async def test_results_of_an_active_job_are_refused(vault: Vault) -> None:
    made = await document(vault, "Waits")
    job = await jobs.start(vault, DocumentExport(), DocumentExportInput(documents=by_id(made)))
    with pytest.raises(OperationNotAllowed, match="still active"):
        await jobs.retrieve_finished(vault, job.id, "export_documents")
    with pytest.raises(InvalidData):
        await jobs.retrieve_finished(vault, job.id, "binder_export")
