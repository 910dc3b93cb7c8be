"""Jobs out of time, and jobs that give no sign of life: they end by themselves, once, with all that belongs to it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import asyncpg
import msgspec
import pytest
from tests.engine.conftest import WORKER, ended
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import ONE_TIME_LIMIT, Job, JobStatus, Task
from strongroom.engine import worker
from strongroom.engine.execution import Execution
from strongroom.sdk import ProcessContext
from strongroom.services import job_ends, job_messages, job_runs, jobs
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

LATER = ONE_TIME_LIMIT + timedelta(seconds=5)
_SILENT = "UPDATE jobs SET touched = now() - interval '121 minutes' WHERE id = $1"
_SILENT_TASKS = "UPDATE job_tasks SET touched = now() - interval '121 minutes' WHERE job_id = $1"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
def later(system_vault: Vault) -> Vault:
    """The Vault at a moment at which jobs that are started now have run out of time."""
    return replace(system_vault, clock=Clock(LATER))


async def brought_to(status: JobStatus, system_vault: Vault, vault: Vault) -> tuple[Job, Task | None]:
    """A job of this status, and the task that runs."""
    job, task = await jobs.start(vault, Counting(), CountingInput(items=6)), None
    if status is not JobStatus.QUEUEING:
        await Execution(system_vault, {"counting": Counting()}, slots=2).run(
            msgspec.json.encode(job_messages.JobMessage(job.id))
        )
    if status is JobStatus.RUNNING:
        task = await job_runs.claim_task(system_vault, job.id, 1)
        assert task is not None
    job = await jobs.retrieve(vault, job.id)
    assert job.status is status
    return job, task


async def closing_of(vault: Vault, job: Job) -> list[str]:
    return [line.text for line in await jobs.log(vault, job.id) if line.text.startswith(("Completed ", "Job Comple"))]


@pytest.mark.parametrize("status", [JobStatus.QUEUEING, JobStatus.QUEUED, JobStatus.RUNNING])
async def test_an_active_job_whose_deadline_has_passed_times_out(
    system_vault: Vault, vault: Vault, later: Vault, status: JobStatus
) -> None:
    job, task = await brought_to(status, system_vault, vault)
    assert await job_ends.end_overdue(system_vault) == 0
    assert await job_ends.end_overdue(later) == 1
    over = await jobs.retrieve(vault, job.id)
    assert over.status is JobStatus.TIMEOUT
    assert over.run_end_date == over.modified_date
    assert over.run_end_date is not None
    assert over.run_end_date - job.created_date >= ONE_TIME_LIMIT
    assert await closing_of(vault, job) == [
        f"Completed counting job [{job.id}]",
        "Job Completion Status: Timeout (TIMEOUT)",
    ]
    if task is not None:
        with pytest.raises(job_runs.AbandonedError):
            await job_runs.finish_task(system_vault, task, task.state, {}, [])
        with pytest.raises(job_runs.AbandonedError):
            await job_runs.write_log(system_vault, job.id, "late", task)
    assert await job_ends.end_overdue(later) == 0
    assert len(await closing_of(vault, job)) == 2


async def test_many_that_are_out_of_time_end_once_each_though_several_look(
    system_vault: Vault, vault: Vault, later: Vault
) -> None:
    started = await asyncio.gather(*(jobs.start(vault, Counting(), CountingInput()) for _ in range(230)))
    assert sum(await asyncio.gather(*(job_ends.end_overdue(later) for _ in range(3)))) == 230
    for job in started[::20]:
        assert (await jobs.retrieve(vault, job.id)).status is JobStatus.TIMEOUT
        assert len(await closing_of(vault, job)) == 2


async def test_a_job_that_is_held_by_somebody_is_ended_at_the_next_look(
    vault: Vault, later: Vault, database: asyncpg.Connection
) -> None:
    job = await jobs.start(vault, Counting(), CountingInput())
    async with database.transaction():
        await database.execute("SELECT FROM jobs WHERE id = $1 FOR NO KEY UPDATE", job.id)
        assert await asyncio.wait_for(job_ends.end_overdue(later), 60) == 0
    assert await job_ends.end_overdue(later) == 1


async def test_a_running_job_that_is_silent_for_too_long_is_completed_for_that(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job, task = await brought_to(JobStatus.RUNNING, system_vault, vault)
    assert await job_ends.end_silent(system_vault) == 0
    await database.execute(_SILENT, job.id)
    assert await job_ends.end_silent(system_vault) == 0, "its task has begun just now"
    await database.execute(_SILENT_TASKS, job.id)
    assert await job_ends.end_silent(system_vault) == 1
    over = await jobs.retrieve(vault, job.id)
    assert over.status is JobStatus.COMPLETED_DUE_TO_INACTIVITY
    assert over.run_end_date == over.modified_date
    assert (await closing_of(vault, job))[-1].endswith("Inactivity (COMPLETED_DUE_TO_INACTIVITY)")
    assert task is not None
    with pytest.raises(job_runs.AbandonedError):
        await job_runs.finish_task(system_vault, task, task.state, {}, [])
    assert await job_ends.end_silent(system_vault) == 0


async def test_only_jobs_that_run_can_be_silent(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    for status in (JobStatus.QUEUEING, JobStatus.QUEUED):
        job, _ = await brought_to(status, system_vault, vault)
        await database.execute(_SILENT, job.id)
        await database.execute(_SILENT_TASKS, job.id)
    assert await job_ends.end_silent(system_vault) == 0


async def test_a_log_line_is_a_sign_of_life_that_is_noted_once_in_a_while(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job, task = await brought_to(JobStatus.RUNNING, system_vault, vault)
    await database.execute(_SILENT, job.id)
    await database.execute(_SILENT_TASKS, job.id)
    await job_runs.write_log(system_vault, job.id, "still here", task)
    assert await job_ends.end_silent(system_vault) == 0
    noted = await database.fetchval("SELECT touched FROM jobs WHERE id = $1", job.id)
    for _ in range(20):
        await job_runs.write_log(system_vault, job.id, "and still", task)
    age = await database.fetchval("SELECT now() - touched FROM jobs WHERE id = $1", job.id)
    if age < timedelta(seconds=9):  # a machine that is slower than that notes it again, rightly
        assert await database.fetchval("SELECT touched FROM jobs WHERE id = $1", job.id) == noted


async def test_a_log_line_waits_for_nobody_who_holds_the_job(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job, task = await brought_to(JobStatus.RUNNING, system_vault, vault)
    await database.execute(_SILENT, job.id)
    async with database.transaction():
        await database.execute("SELECT FROM jobs WHERE id = $1 FOR NO KEY UPDATE", job.id)
        await asyncio.wait_for(job_runs.write_log(system_vault, job.id, "no waiting", task), 60)
    assert [line.text for line in await jobs.log(vault, job.id)] == ["no waiting"]


async def test_a_worker_looks_by_itself(later: Vault, vault: Vault) -> None:
    class Endless(Counting):
        async def process(self, ctx: ProcessContext[CountingInput]) -> None:
            await asyncio.Event().wait()

    job = await jobs.start(vault, Endless(), CountingInput())
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(later, {"counting": Endless()}, worker_id=WORKER, stop=stop))
        over = await ended(vault, job.id, seconds=60)
        stop.set()
    assert over.status is JobStatus.TIMEOUT
