"""Custom jobs: files in the words of the Vault Java SDK, run by a real worker."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.engine import custom_job_files as files
from tests.engine.conftest import WORKER, ended

from strongroom.domain.errors import InvalidData
from strongroom.domain.job import Job, JobFilter, JobStatus, Task, TaskState
from strongroom.domain.page import Window
from strongroom.engine import custom_files, worker
from strongroom.services import contents, custom_jobs, job_metadata, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

Run = Callable[..., Awaitable[Job]]


@asynccontextmanager
async def working(vault: Vault) -> AsyncIterator[None]:
    """A worker that has loaded the jobs folder."""
    stop, kinds = asyncio.Event(), await custom_files.load(vault)
    running = asyncio.create_task(worker.run(vault, {**kinds}, worker_id=WORKER, stop=stop))
    yield
    stop.set()
    await running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The jobs folder, where a worker looks by itself."""
    folder = tmp_path / "jobs"
    folder.mkdir()
    return folder


@pytest.fixture
def run(folder: Path, system_vault: Vault, vault: Vault) -> Run:
    """Put one file into the folder, start its job with a worker that has loaded it, and wait for its end."""

    async def run_one(text: str, name: str, **parameters: object) -> Job:
        (folder / f"{name}.py").write_text(text)
        async with working(system_vault):
            return await ended(vault, (await custom_jobs.start(vault, name, parameters)).id, seconds=60)

    return run_one


async def log_of(vault: Vault, job: Job) -> list[str]:
    return [line.text for line in await jobs.log(vault, job.id)]


async def outputs_of(vault: Vault, job: Job) -> list[Task]:
    return [task async for task in jobs.task_outputs(vault, job)]


async def test_a_job_in_the_words_of_the_java_sdk_runs(run: Run, vault: Vault) -> None:
    job = await run(files.AUDIT, "audit__c", count="5")
    assert (job.status, job.sdk, job.title, job.queue) == (JobStatus.SUCCESS, True, "Written by a test", "audits__c")
    log = await log_of(vault, job)
    assert log[0] == "5 items are made"
    assert "Task2 has [2, 3], n2 first" in log
    assert "3 tasks, 0 failed, 5 checked" in log
    assert [task.output for task in await outputs_of(vault, job)] == [{"checked": n} for n in (2, 2, 1)]
    assert await jobs.progress(vault, job) == {TaskState.SUCCESS: 3}


async def test_a_task_that_says_so_fails_and_the_job_completes_with_error(run: Run, vault: Vault) -> None:
    job = await run(files.AUDIT, "audit__c", count=5, fail=True)
    assert job.status is JobStatus.ERRORS_ENCOUNTERED
    assert "failed: ['Task2'] of 3" in await log_of(vault, job)
    assert await jobs.progress(vault, job) == {TaskState.SUCCESS: 2, TaskState.ERRORS_ENCOUNTERED: 1}


async def test_a_job_without_items_succeeds(run: Run, vault: Vault) -> None:
    job = await run(files.AUDIT, "audit__c", count=0)
    assert (job.status, await jobs.progress(vault, job)) == (JobStatus.SUCCESS, {})
    assert "0 tasks, 0 failed, 0 checked" in await log_of(vault, job)


async def test_code_may_be_async(run: Run, vault: Vault) -> None:
    job = await run(files.ASYNC, "async__c")
    assert job.status is JobStatus.SUCCESS
    log = await log_of(vault, job)
    assert log.count("for admin@localhost") == 2
    assert [line for line in log if line.startswith(("Task", "done"))] == [
        "Task1 SUCCESS",
        "Task2 SUCCESS",
        "done for admin@localhost",
    ]
    assert [task.output for task in await outputs_of(vault, job)] == [{"user": vault.user.id}] * 2


@pytest.mark.parametrize(
    "line",
    [
        "return [context.new_job_item() for _ in range(3)]",
        "return context.new_job_input(context.new_job_item() for _ in range(3))",
        "return iter((context.new_job_item(),) * 3)",
    ],
)
async def test_items_may_come_in_any_way(run: Run, line: str) -> None:
    job = await run(files.with_init("ways__c", line), "ways__c")
    assert (job.status, job.total_tasks) == (JobStatus.SUCCESS, 2)


REFUSED = {
    "return None": "Written.init gave None: give an empty list if there is nothing to do.",
    "return 7": "Written.init gave int, which holds no items.",
    "return [{'id': 7}]": "Written.init gave dict as an item: make it by context.new_job_item().",
    "context.new_job_item().set_value('id', [7])": "The value of [id] must be text, a number, true or false, not list.",
    "context.get_job_parameter('count', JobParamValueType.NUMBER)": "The value [many] of [count] is not a number.",
    "context.apply(users.retrieve, 1)": "init ends no task: start jobs and write in process, or in the completion.",
    "for n in range(10001): yield context.new_job_item()": (
        "The job has more than 5,000 tasks, the most of one job: its item 10,001 would begin task 5,001, with 2 items "
        "a task. Raise chunk_size, or start several jobs."
    ),
    "yield from [context.new_job_item()] * 501 + [context.new_job_item().set_value('x', 'x' * 65600) for _ in '123']": (
        "The items of Task252 have 131,219 bytes as JSON at item 504; 128 KB (131,072) are the most of one task. "
        "Lower chunk_size, or keep less in an item."
    ),
}


@pytest.mark.parametrize("line", REFUSED)
async def test_what_cannot_be_queued_fails_to_run_and_says_why(run: Run, vault: Vault, line: str) -> None:
    job = await run(files.with_init("refused__c", line), "refused__c", count="many")
    assert job.status is JobStatus.FAILED_TO_RUN
    assert (await log_of(vault, job))[0] == REFUSED[line]
    assert (await jobs.tasks(vault, job.id, Window())).total == 0


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "context.current_task.task_output.set_value('x', 'x' * 131072)",
            "The output of Task1 has 131,080 bytes as JSON; 128 KB (131,072) are the most of one task. Keep less in it.",
        ),
        (
            "context.current_task.task_output.set_retry(True)",
            "Task1 cannot be tried again: its job does not say @JobInfo(idempotent=True).",
        ),
        (
            "context.current_task.task_output.set_state(TaskState.RUNNING)",
            "The state of a task's output is SUCCESS or ERRORS_ENCOUNTERED, not [RUNNING].",
        ),
        ("raise SystemExit(3)", "The job's code raised SystemExit: 3"),
        ("next(iter(()))", "The job's code raised StopIteration"),
        ("context.call(users.retrieve, 777)", "There is no user [777]."),
    ],
)
async def test_a_task_that_goes_wrong_ends_with_errors(run: Run, vault: Vault, lines: str, told: str) -> None:
    job = await run(files.with_process("wrong__c", lines), "wrong__c")
    assert job.status is JobStatus.ERRORS_ENCOUNTERED
    assert [task.output for task in await outputs_of(vault, job)] == [{"error": told}]
    assert any(line.endswith(told) for line in await log_of(vault, job))


async def test_services_are_called_from_plain_code_and_streams_are_iterators(run: Run, vault: Vault) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"mop, "
        yield b"bucket"

    content = await contents.store(vault, pieces())
    lines = f"""
read = b"".join(context.call(contents.read, {content.id}, start=5))
context.current_task.task_output.set_value("read", read.decode())
"""
    job = await run(files.with_process("calls__c", lines), "calls__c")
    assert [task.output for task in await outputs_of(vault, job)] == [{"read": "bucket"}]


async def test_every_line_is_logged_in_order(run: Run, vault: Vault) -> None:
    lines = "for number in range(5000): context.job_logger.log(f'line {number}')"
    job = await run(files.with_process("talks__c", lines), "talks__c")
    logged = [line for line in await log_of(vault, job) if line.startswith("line ")]
    assert logged == [f"line {number}" for number in range(5000)]


async def test_a_task_that_asks_for_it_is_done_again(run: Run, vault: Vault, tmp_path: Path) -> None:
    lines = f"""
tries = Path({str(tmp_path / "tries")!r})
tries.write_text(tries.read_text() + "x" if tries.exists() else "x")
context.current_task.task_output.set_value("tries", len(tries.read_text()))
context.current_task.task_output.set_retry(len(tries.read_text()) < 3)
"""
    job = await run(files.with_process("again__c", lines, info="idempotent=True"), "again__c")
    assert job.status is JobStatus.SUCCESS
    (task,) = await outputs_of(vault, job)
    assert (task.attempt, task.output) == (3, {"tries": 3})
    log = await log_of(vault, job)
    assert [line for line in log if "again" in line][:2] == [f"Task1 is tried again in {n} s." for n in (1, 2)]


async def test_a_job_starts_another_when_its_task_ends(run: Run, vault: Vault, folder: Path) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    lines = 'context.job_service.run(context.job_service.new_job_parameters("audit__c").set_value("count", 1))'
    await run(files.with_process("parent__c", lines), "parent__c")
    every = await jobs.monitors(vault, JobFilter(tuple(JobStatus)), Window(200))
    (child,) = [job for job in every.rows if job.kind == "audit__c"]
    assert (child.created_by, child.method) == (vault.user.id, None)


async def test_a_job_that_cannot_be_started_by_another_fails_its_task(run: Run, vault: Vault) -> None:
    lines = 'context.job_service.run(context.job_service.new_job_parameters("nobody__c"))'
    job = await run(files.with_process("parent__c", lines), "parent__c")
    told = "There is no job metadata [nobody__c]: no worker has loaded a job of this name."
    assert [task.output for task in await outputs_of(vault, job)] == [{"error": told}]


async def test_a_cancelled_job_stops_code_that_uses_its_context(
    folder: Path, system_vault: Vault, vault: Vault, tmp_path: Path
) -> None:
    lines = f"""
try:
    while True:
        context.call(users.retrieve, 1)
except StoppedError:
    Path({str(tmp_path / "stopped")!r}).touch()
    raise
"""
    (folder / "endless.py").write_text(files.with_process("endless__c", lines, info="admin_cancellable=True"))
    async with working(system_vault), asyncio.timeout(60):
        job = await custom_jobs.start(vault, "endless__c", {})
        while (await jobs.retrieve(vault, job.id)).status is not JobStatus.RUNNING:  # noqa: ASYNC110 - of the database
            await asyncio.sleep(0.02)
        assert (await jobs.cancel(vault, job.id)).status is JobStatus.CANCELLED
        await asyncio.to_thread(wait_for_file, tmp_path / "stopped")


def wait_for_file(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists():
        assert time.monotonic() < deadline, f"there is no {path}"
        time.sleep(0.02)


async def test_parameters_have_a_limit(folder: Path, system_vault: Vault, vault: Vault) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    await custom_files.load(system_vault)
    await custom_jobs.start(vault, "audit__c", {"x": "x" * (8 * 1024 - 8)})
    with pytest.raises(InvalidData, match=r"have 8,193 bytes as JSON; 8 KB \(8,192\) are the most"):
        await custom_jobs.start(vault, "audit__c", {"x": "x" * (8 * 1024 - 7)})


async def test_what_a_file_says_of_its_job_stands_in_its_metadata(
    folder: Path, system_vault: Vault, vault: Vault
) -> None:
    (folder / "audit.py").write_text(files.AUDIT)
    await custom_files.load(system_vault)
    found = await job_metadata.retrieve_usable(vault, "audit__c")
    assert (found.label, found.chunk_size, found.queue) == ("Written by a test", 2, "audits__c")
    assert (found.source, found.description) == ("audit.py", "What tests run.")
    assert found.job_code == "Sdkjob.strongroom_jobs_audit.Written"
    assert (found.admin_configurable, found.idempotent, found.is_visible, found.admin_cancellable) == (
        *(True, True),
        *(True, False),
    )
