"""The example of a custom job: it finds a file that is not what was stored."""

import asyncio
import shutil
from pathlib import Path

import pytest
from tests.engine.conftest import WORKER, ended
from tests.services.documents import document

from strongroom.domain.job import Job, JobStatus
from strongroom.engine import custom_files, worker
from strongroom.services import custom_jobs, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

EXAMPLE = Path(__file__).parent.parent.parent / "examples" / "checksum_audit.py"


async def audited(system_vault: Vault, vault: Vault, **parameters: str) -> tuple[Job, list[str]]:
    """Run the audit; gives the job and its log."""
    folder = system_vault.settings.data_dir / "jobs"
    folder.mkdir(exist_ok=True)
    shutil.copy(EXAMPLE, folder)
    stop, kinds = asyncio.Event(), await custom_files.load(system_vault)
    working = asyncio.create_task(worker.run(system_vault, {**kinds}, worker_id=WORKER, stop=stop))
    job = await ended(vault, (await custom_jobs.start(vault, "checksum_audit__c", parameters)).id, seconds=60)
    stop.set()
    await working
    return job, [line.text for line in await jobs.log(vault, job.id)]


def blob_of(system_vault: Vault, data: bytes) -> Path:
    """The file in which these bytes are kept."""
    found = [path for path in (system_vault.settings.data_dir / "blobs").rglob("*") if path.is_file()]
    return next(path for path in found if path.read_bytes() == data)


async def test_all_is_as_it_was_stored(system_vault: Vault, vault: Vault) -> None:
    for number in range(60):
        await document(vault, f"Document {number}", b"%d" % number)
    await document(vault, "Placeholder", None)
    job, log = await audited(system_vault, vault)
    assert (job.status, job.total_tasks) == (JobStatus.SUCCESS, 2)
    assert "Read 60 files, 110 bytes: 0 differ." in log


async def test_it_names_files_that_differ_or_are_gone(system_vault: Vault, vault: Vault) -> None:
    changed = await document(vault, "Changed", b"mop, bucket, gloves", "list.txt")
    gone = await document(vault, "Gone", b"is gone", "gone.txt")
    await document(vault, "Whole", b"whole")
    blob_of(system_vault, b"mop, bucket, gloves").write_bytes(b"mop, bucket, cloves")
    blob_of(system_vault, b"is gone").unlink()
    job, log = await audited(system_vault, vault)
    assert job.status is JobStatus.ERRORS_ENCOUNTERED
    assert f"Document {changed}, version 0.1: list.txt has other bytes than were stored." in log
    assert f"Document {gone}, version 0.1: gone.txt is gone from where the bytes are kept." in log
    assert "Read 3 files, 24 bytes: 2 differ." in log
    job, log = await audited(system_vault, vault, search="Whole")
    assert (job.status, "Read 1 files, 5 bytes: 0 differ." in log) == (JobStatus.SUCCESS, True)
