"""Queues while workers are at work: what is held back waits, goes on when it may, and nothing is stranded."""

import asyncio
import time
from collections.abc import AsyncIterator

import asyncpg
import pytest
from tests.engine.conftest import ended
from tests.engine.kinds_for_tests import Counting
from tests.engine.post import Post

from strongroom.domain.job import Job, JobStatus, JobTraits
from strongroom.engine.execution import Execution
from strongroom.services import job_runs, jobs, queues
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

QUEUE = "nightly_jobs__c"


class Entire(Counting):
    """Counts in one go."""

    name = "entire"
    chunk_size = None


@pytest.fixture
async def queue(vault: Vault) -> str:
    return (await queues.create(vault, QUEUE)).name


async def begin(vault: Vault, items: int = 7, *, whole: bool = False, queue: str | None = QUEUE) -> Job:
    traits = JobTraits("entire" if whole else "counting", "Counting", whole=whole, queue=queue)
    return await jobs.begin(vault, traits, {"items": items}, "POST")


async def status_of(vault: Vault, job: Job) -> JobStatus:
    return (await jobs.retrieve(vault, job.id)).status


async def reaches(vault: Vault, job: Job, status: JobStatus, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while (now := await status_of(vault, job)) is not status:
        assert time.monotonic() < deadline, f"job {job.id} is {now}, not {status}"
        await asyncio.sleep(0.02)


@pytest.fixture
async def post(system_vault: Vault, database_url: str) -> AsyncIterator[Post]:
    connection = await asyncpg.connect(database_url)
    workers = [Execution(system_vault, {"counting": Counting(), "entire": Entire()}, slots=1) for _ in range(2)]
    yield Post(system_vault, connection, workers)
    await connection.close()


@pytest.mark.usefixtures("counting_worker")
async def test_a_queue_that_is_made_while_workers_run_serves_at_once(vault: Vault) -> None:
    await queues.create(vault, QUEUE)
    job = await begin(vault)
    assert (await ended(vault, job.id, seconds=60)).status is JobStatus.SUCCESS


@pytest.mark.usefixtures("counting_worker")
async def test_a_job_waits_in_a_queue_that_is_held_back_and_goes_on_at_once_when_it_is_let_go(
    vault: Vault, queue: str
) -> None:
    await queues.disable_delivery(vault, queue)
    held = await begin(vault)
    await reaches(vault, held, JobStatus.QUEUED)
    # One of another queue passes it by, and with that the worker has looked at the first one's messages.
    assert (await ended(vault, (await begin(vault, queue=None)).id, seconds=60)).status is JobStatus.SUCCESS
    assert await status_of(vault, held) is JobStatus.QUEUED
    assert (await queues.retrieve(vault, queue)).messages == 1
    await queues.enable_delivery(vault, queue)
    now = await ended(vault, held.id, seconds=60)
    assert (now.status, now.total_tasks) == (JobStatus.SUCCESS, 3)


@pytest.mark.parametrize(("items", "whole"), [(30, False), (7, True), (0, False)])
async def test_the_messages_that_were_taken_in_vain_are_written_anew_with_the_flag(
    post: Post, vault: Vault, queue: str, items: int, whole: bool
) -> None:
    job = await begin(vault, items, whole=whole)
    await queues.disable_delivery(vault, queue)
    await post.until_quiet()
    assert await status_of(vault, job) is JobStatus.QUEUED
    assert await post.find_lost() == 0
    assert await post.collect() == []
    await queues.enable_delivery(vault, queue)
    await post.until_quiet()
    assert await status_of(vault, job) is JobStatus.SUCCESS


async def test_a_message_that_still_waits_is_not_doubled(post: Post, vault: Vault, queue: str) -> None:
    for _ in range(2):
        await begin(vault, whole=True)
    await queues.disable_delivery(vault, queue)
    await queues.enable_delivery(vault, queue)
    assert len(await post.collect()) == 2


@pytest.mark.parametrize("whole", [True, False])
async def test_a_job_that_runs_goes_on_when_its_queue_is_held_back(
    post: Post, vault: Vault, queue: str, whole: bool
) -> None:
    job = await begin(vault, 30, whole=whole)
    if not whole:
        await post.deliver(*await post.collect())
    # A worker takes it, and dies.
    taken = job_runs.take(post.vault, job.id) if whole else job_runs.claim_task(post.vault, job.id, 1)
    assert await taken is not None
    assert await status_of(vault, job) is JobStatus.RUNNING
    await queues.disable_delivery(vault, queue)
    assert await post.find_lost() == 1
    await post.until_quiet()
    assert await status_of(vault, job) is JobStatus.SUCCESS


async def test_a_job_that_is_queued_at_the_moment_of_enabling_is_found(post: Post, vault: Vault, queue: str) -> None:
    """Its messages are looked at by a worker that sees no flag yet, and stand in the way of the new ones."""
    job = await begin(vault, whole=True)
    await queues.disable_delivery(vault, queue)
    taken = await post.queue.fetchrow("UPDATE pgqueuer SET status = 'picked' RETURNING payload")
    assert taken is not None
    await post.workers[0].run(taken["payload"])
    await queues.enable_delivery(vault, queue)
    await post.queue.execute("DELETE FROM pgqueuer WHERE status = 'picked'")
    assert await post.collect() == []
    assert await post.find_lost() == 1
    await post.until_quiet()
    assert await status_of(vault, job) is JobStatus.SUCCESS


async def test_late_messages_of_jobs_that_a_reset_has_cancelled_change_nothing(
    post: Post, vault: Vault, queue: str
) -> None:
    waiting = [await begin(vault, 7), await begin(vault, 7, whole=True)]
    await queues.disable_delivery(vault, queue)
    await post.until_quiet()
    assert await queues.reset(vault, queue) == 2
    await queues.enable_delivery(vault, queue)
    await post.deliver(*post.seen)
    await post.until_quiet()
    assert await post.find_lost() == 0
    assert [await status_of(vault, job) for job in waiting] == [JobStatus.CANCELLED] * 2
