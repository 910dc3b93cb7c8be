"""The jobs folder: broken files, names that are used twice, files that are gone, and workers that lack the code."""

import asyncio
import hashlib
from pathlib import Path

import msgspec
import pytest
from tests.engine import custom_job_files as files

from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job import Job, JobStatus, Task
from strongroom.engine import custom_files, tries
from strongroom.engine.code import Code
from strongroom.engine.custom_kind import CustomKind
from strongroom.engine.execution import Execution
from strongroom.engine.owners import Owners
from strongroom.services import custom_jobs, job_messages, job_metadata, job_runs, jobs, users
from strongroom.store.queue import HandBackError
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


def message(job_id: int, task: int = 0) -> bytes:
    return msgspec.json.encode(job_messages.JobMessage(job_id, task))


def write(path: Path, text: str) -> None:
    path.write_text(text)


async def problem(vault: Vault, name: str) -> str:
    with pytest.raises(OperationNotAllowed) as raised:
        await custom_jobs.start(vault, name, {})
    return raised.value.message


BROKEN = {
    "import missing_module\n": "ModuleNotFoundError: No module named 'missing_module' (broken.py:1)",
    "x = 1\nname='broken__c' 'x' = (\n": "SyntaxError: ",
    "\nraise SystemExit(3)  # name='broken__c'": "SystemExit: 3 (broken.py:2)",
    files.with_process("broken__c", "pass").replace("chunk_size=2", "chunk_size=501"): (
        "The chunk_size of a custom job must be a whole number from 1 to 500: [501]. (broken.py:8)"
    ),
    files.with_process("broken__c", "pass").replace("@JobInfo()", ""): (
        "The class Written is not marked by @JobInfo(...). (broken.py)"
    ),
    files.with_process("broken__c", "pass").replace("def process", "def proces"): (
        "The class Written has no method process. (broken.py)"
    ),
}


@pytest.mark.parametrize("text", BROKEN)
async def test_a_broken_file_disables_its_own_job_alone(
    folder: Path, system_vault: Vault, vault: Vault, text: str
) -> None:
    (folder / "broken.py").write_text(text)
    (folder / "audit.py").write_text(files.AUDIT)
    kinds = await custom_files.load(system_vault)
    assert set(kinds) == {"audit__c"}
    assert (await custom_jobs.start(vault, "audit__c", {})).status is JobStatus.QUEUEING
    told = await problem(vault, "broken__c")
    assert told.startswith(f"Job [broken__c] cannot be started: its code cannot be used: {BROKEN[text]}")


async def test_a_job_whose_file_breaks_keeps_what_was_known_and_comes_back(
    folder: Path, system_vault: Vault, vault: Vault
) -> None:
    write(folder / "of_two.py", files.AUDIT + files.ASYNC.replace("class Written", "class Other"))
    await custom_files.load(system_vault)
    write(folder / "of_two.py", "raise ValueError('no more')")
    await custom_files.load(system_vault)
    for name in ("audit__c", "async__c"):
        assert "ValueError: no more (of_two.py:1)" in await problem(vault, name)
    known = await job_metadata.find(vault, "audit__c")
    assert known is not None
    assert known.label == "Written by a test"
    write(folder / "of_two.py", files.AUDIT)
    await custom_files.load(system_vault)
    assert (await job_metadata.retrieve_usable(vault, "audit__c")).sha256 == hashlib.sha256(
        files.AUDIT.encode()
    ).hexdigest()


async def test_two_jobs_of_one_name_are_both_refused(folder: Path, system_vault: Vault, vault: Vault) -> None:
    (folder / "first.py").write_text(files.AUDIT)
    (folder / "second.py").write_text(files.AUDIT)
    (folder / "_ignored.py").write_text(files.AUDIT)
    assert await custom_files.load(system_vault) == {}
    told = await problem(vault, "audit__c")
    assert "several jobs are called audit__c: first.py and second.py. Rename all but one of them." in told


async def test_a_job_whose_file_is_gone_is_inactive_unless_the_worker_has_no_folder(
    folder: Path, system_vault: Vault, vault: Vault
) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    await custom_files.load(system_vault)
    (folder / "audit.py").unlink()
    folder.rmdir()  # noqa: ASYNC240 - nobody else waits
    await custom_files.load(system_vault)
    assert (await job_metadata.retrieve_usable(vault, "audit__c")).active
    folder.mkdir()  # noqa: ASYNC240 - nobody else waits
    await custom_files.load(system_vault)
    assert "it is not active, since its code (audit.py) is no longer in the jobs folder." in await problem(
        vault, "audit__c"
    )


async def test_names_that_nobody_knows_are_refused(vault: Vault) -> None:
    with pytest.raises(InvalidData, match=r"There is no job metadata \[nobody__c\]"):
        await custom_jobs.start(vault, "nobody__c", {})
    with pytest.raises(InvalidData, match=r"\[export_documents\] is not the name of a custom job"):
        await custom_jobs.start(vault, "export_documents", {})


async def test_only_admins_start_jobs_by_name(folder: Path, system_vault: Vault, vault: Vault) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    await custom_files.load(system_vault)
    reader = users.NewUser("reader@localhost", "Rea", "Der", "reader@localhost", "Reading-1234")
    other = await users.retrieve(vault, await users.create(vault, reader))
    with pytest.raises(InsufficientAccess, match=r"may not start job \[audit__c\]: only admins may"):
        await custom_jobs.start(vault.as_user(other), "audit__c", {})


async def test_a_worker_without_the_code_leaves_the_job_to_others_until_nobody_has_it(
    folder: Path, system_vault: Vault, vault: Vault
) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    kinds = await custom_files.load(system_vault)
    job = await custom_jobs.start(vault, "audit__c", {"count": 2})
    without, having = Execution(system_vault, {}, slots=2), Execution(system_vault, {**kinds}, slots=2)
    with pytest.raises(HandBackError):
        await without.run(message(job.id))
    await having.run(message(job.id))
    with pytest.raises(HandBackError):
        await without.task(message(job.id, 1))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.QUEUED
    await having.task(message(job.id, 1))
    with pytest.raises(HandBackError):
        await without.complete(message(job.id))
    late = await custom_jobs.start(vault, "audit__c", {"count": 2})
    (folder / "audit.py").unlink()
    await custom_files.load(system_vault)
    await without.run(message(late.id))
    assert (await jobs.retrieve(vault, late.id)).status is JobStatus.FAILED_TO_RUN
    assert "No code is loaded for jobs of kind 'audit__c': it is not active" in (await jobs.log(vault, late.id))[0].text


async def test_a_worker_with_other_code_goes_on_and_says_so(folder: Path, system_vault: Vault, vault: Vault) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    await custom_files.load(system_vault)
    job = await custom_jobs.start(vault, "audit__c", {"count": 2})
    (folder / "audit.py").write_text(files.AUDIT + "# changed\n")
    await Execution(system_vault, {**await custom_files.load(system_vault)}, slots=2).run(message(job.id))
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.QUEUED
    (line, *_) = [line.text for line in await jobs.log(vault, job.id) if "other code" in line.text]
    assert hashlib.sha256(files.AUDIT.encode()).hexdigest() in line


async def begun_twice(vault: Vault, kinds: dict[str, CustomKind], name: str) -> tuple[Job, list[Task], Code]:
    """A job whose only task was begun by one worker, and then by another."""
    job = await custom_jobs.start(vault, name, {})
    await Execution(vault, {**kinds}, slots=2).run(message(job.id))
    begun = [await job_runs.claim_task(vault, job.id, 1) for _ in range(2)]
    job, given = await job_runs.retrieve_with_input(vault, job.id)
    return job, [task for task in begun if task], await Code.of(Owners(vault), {**kinds}, job, given)


async def test_a_task_that_was_begun_twice_starts_another_job_once(folder: Path, system_vault: Vault) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    lines = 'context.job_service.run(context.job_service.new_job_parameters("audit__c"))'
    (folder / "parent.py").write_text(files.with_process("parent__c", lines, info="idempotent=True"))
    kinds = await custom_files.load(system_vault)
    parent, (first, second), code = await begun_twice(system_vault, kinds, "parent__c")
    with pytest.raises(job_runs.AbandonedError):
        await tries.work_on(code, first, asyncio.Semaphore())
    await tries.work_on(code, second, asyncio.Semaphore())
    assert (await jobs.retrieve(system_vault, parent.id + 1)).kind == "audit__c"
    with pytest.raises(InvalidData):
        await jobs.retrieve(system_vault, parent.id + 2)


async def test_a_task_that_was_begun_and_never_ended_is_not_begun_again_unless_its_job_is_idempotent(
    folder: Path, system_vault: Vault, tmp_path: Path
) -> None:
    (folder / "once.py").write_text(files.with_process("once__c", f"Path({str(tmp_path / 'ran')!r}).touch()"))
    kinds = await custom_files.load(system_vault)
    job = await custom_jobs.start(system_vault, "once__c", {})
    execution = Execution(system_vault, {**kinds}, slots=2)
    await execution.run(message(job.id))
    await job_runs.claim_task(system_vault, job.id, 1)
    await execution.task(message(job.id, 1))
    assert not (tmp_path / "ran").exists()
    (task,) = [task async for task in jobs.task_outputs(system_vault, job)]
    told = "Task1 was begun and never ended. It is not begun again, since its job does not say "
    assert task.output == {"error": f"{told}@JobInfo(idempotent=True)."}
    assert task.output["error"] in [line.text for line in await jobs.log(system_vault, job.id)]


async def test_a_task_that_asks_to_be_tried_again_for_ever_is_given_up(folder: Path, system_vault: Vault) -> None:
    lines = "context.current_task.task_output.set_retry(True)"
    (folder / "again.py").write_text(files.with_process("again__c", lines, info="idempotent=True"))
    execution = Execution(system_vault, {**await custom_files.load(system_vault)}, slots=2)
    job = await custom_jobs.start(system_vault, "again__c", {})
    await execution.run(message(job.id))
    delays = []
    for handed_back in range(9):
        with pytest.raises(HandBackError) as raised:
            await execution.task(message(job.id, 1), handed_back)
        delays.append(raised.value.delay)
    await execution.task(message(job.id, 1), 9)
    assert delays == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    (task,) = [task async for task in jobs.task_outputs(system_vault, job)]
    assert task.output == {"error": "Task1 has asked to be tried again 10 times; it is given up."}


async def test_an_installed_package_brings_jobs_by_its_entry_points(
    system_vault: Vault, vault: Vault, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = tmp_path / "site"
    told = site / "packaged_audit-1.0.dist-info"
    told.mkdir(parents=True)
    (site / "packaged_audit.py").write_text(files.AUDIT)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: packaged-audit\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(
        "[strongroom.jobs]\na = packaged_audit\nbroken = packaged_audit:Nothing\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(site)
    assert set(await custom_files.load(system_vault)) == {"audit__c"}
    assert (await job_metadata.retrieve_usable(vault, "audit__c")).source == "entry point a (packaged_audit)"
    assert "AttributeError" in await problem(vault, "broken__c")
