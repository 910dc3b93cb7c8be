"""Every message of the engine, and all that can happen to one: a job ends once, with everything that belongs to it."""

import asyncio
import math
import random
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.engine.conftest import WORKER, ended
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.engine.post import Letter, Post, disorder

from strongroom.domain.errors import InvalidData
from strongroom.domain.job import Job, JobStatus
from strongroom.engine import worker
from strongroom.engine.execution import Execution
from strongroom.sdk import CompletionContext, InitContext, ProcessContext
from strongroom.services import job_messages, job_runs, jobs
from strongroom.store import queue
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ENTRYPOINTS = ("run", "task", "complete")
ITEMS = 20
GIVEN = CountingInput(items=ITEMS, bad=(4,))
TASKS = 7


class Tracing(Counting):
    """Writes a line with each task, in its transaction, and one at its completion: what was done twice shows twice."""

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        await asyncio.sleep(0)
        await super().process(ctx)

        async def write(vault: Vault) -> None:
            await job_runs.write_log(vault, ctx.job.id, f"applied {ctx.task.number}")

        ctx.apply(write)

    async def complete_with_error(self, ctx: CompletionContext[CountingInput]) -> None:
        await ctx.log("completion")


@pytest.fixture
async def post(system_vault: Vault, database_url: str) -> AsyncIterator[Post]:
    connection = await asyncpg.connect(database_url)
    workers = [Execution(system_vault, {"counting": Tracing()}, slots=1) for _ in range(2)]
    yield Post(system_vault, connection, workers)
    await connection.close()


def letter(entrypoint: str, job: Job, task: int = 1) -> Letter:
    return entrypoint, msgspec.json.encode(job_messages.JobMessage(job.id, task if entrypoint == "task" else 0))


async def up_to(post: Post, vault: Vault, entrypoint: str) -> tuple[Job, Letter]:
    """A job that has come so far that a message of this kind is due, and that message."""
    job = await jobs.start(vault, Tracing(), GIVEN)
    while True:
        letters = await post.collect()
        due = [each for each in letters if each[0] == entrypoint]
        if due:
            for other in letters:
                if other != due[0]:
                    await send_back(post, other)
            return job, due[0]
        for each in letters:
            await post.deliver(each)


async def send_back(post: Post, letter: Letter) -> None:
    entrypoint, payload = letter
    async with post.vault.database.transaction() as connection:
        await queue.enqueue(connection, [queue.Message(entrypoint, payload, key=payload.decode() + entrypoint)])


async def check_ended(vault: Vault, job: Job, items: int = ITEMS) -> None:
    """It has ended once, each task has left its output and its line once, and the counters are right."""
    tasks = math.ceil(items / (Counting.chunk_size or 1))
    now = await jobs.retrieve(vault, job.id)
    assert now.status is JobStatus.ERRORS_ENCOUNTERED
    assert (now.total_tasks, now.open_tasks, now.failed_tasks) == (tasks, 0, 1)
    assert now.run_start_date is not None
    assert now.run_end_date is not None
    outputs = [task async for task in jobs.task_outputs(vault, now)]
    assert [number for task in outputs for number in (task.output or {})["numbers"]] == list(range(items))
    lines = Counter(line.text for line in await jobs.log(vault, job.id))
    assert {text: count for text, count in lines.items() if text.startswith("applied")} == {
        f"applied {number}": 1 for number in range(1, tasks + 1)
    }
    assert lines["completion"] == 1
    assert lines[f"Completed counting job [{job.id}]"] == 1


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_message_that_two_workers_get_at_once_has_one_effect(post: Post, vault: Vault, entrypoint: str) -> None:
    job, due = await up_to(post, vault, entrypoint)
    await post.deliver(due, due, due)
    await post.until_quiet()
    await check_ended(vault, job)


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_message_that_comes_again_after_the_end_changes_nothing(
    post: Post, vault: Vault, entrypoint: str
) -> None:
    job, due = await up_to(post, vault, entrypoint)
    await post.deliver(due)
    await post.until_quiet()
    before, log = await jobs.retrieve(vault, job.id), await jobs.log(vault, job.id)
    await post.deliver(due, due)
    assert await post.collect() == []
    assert await jobs.retrieve(vault, job.id) == before
    assert await jobs.log(vault, job.id) == log
    await check_ended(vault, job)


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_worker_that_comes_late_with_what_another_has_done_meanwhile_writes_nothing(
    post: Post, vault: Vault, system_vault: Vault, entrypoint: str
) -> None:
    job, due = await up_to(post, vault, entrypoint)
    held = Held()
    slow = asyncio.create_task(getattr(Execution(system_vault, {"counting": held}, slots=1), entrypoint)(due[1]))
    if entrypoint == "complete":
        # Its closing is one transaction: the other one waits for it, and then finds nothing to do.
        await held.begun.wait()
        other = asyncio.create_task(post.deliver(due))
        held.goes_on.set()
        await asyncio.gather(slow, other)
    else:
        await held.begun.wait()
        await post.deliver(due)
        await post.until_quiet()
        held.goes_on.set()
        await slow
    await post.until_quiet()
    await check_ended(vault, job)


async def test_an_old_try_at_making_items_writes_nothing_between_those_of_the_new_one(
    post: Post, vault: Vault, system_vault: Vault
) -> None:
    items = 400  # more than are written in one transaction
    job = await jobs.start(vault, Tracing(), CountingInput(items=items, bad=(4,)))
    (due,) = await post.collect()
    old, new = Held(at=0), Held(at=390)
    tries = []
    for held in (old, new):
        tries.append(asyncio.create_task(Execution(system_vault, {"counting": held}, slots=1).run(due[1])))
        await held.begun.wait()
    for each, held in zip(tries, (old, new), strict=True):
        held.goes_on.set()
        await each
    await post.until_quiet()
    await check_ended(vault, job, items)


class Held(Tracing):
    """Stands still in the middle of each step until it may go on; when items are made, at the one of this number."""

    def __init__(self, at: int = 0) -> None:
        self.begun, self.goes_on, self.at = asyncio.Event(), asyncio.Event(), at

    async def init(self, ctx: InitContext[CountingInput]) -> AsyncIterator[dict[str, Any]]:
        async for item in super().init(ctx):
            if item["number"] == self.at:
                await self._hold()
            yield item

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        await self._hold()
        await super().process(ctx)

    async def complete_with_error(self, ctx: CompletionContext[CountingInput]) -> None:
        await self._hold()
        await super().complete_with_error(ctx)

    async def _hold(self) -> None:
        self.begun.set()
        await self.goes_on.wait()


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_message_that_is_lost_is_written_again(post: Post, vault: Vault, entrypoint: str) -> None:
    job, due = await up_to(post, vault, entrypoint)
    await post.collect()
    assert await post.find_lost() == 1
    again = await post.collect()
    assert due in again
    for each in again:
        await post.deliver(each)
    await post.until_quiet()
    await check_ended(vault, job)


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_message_of_a_cancelled_job_changes_nothing(post: Post, vault: Vault, entrypoint: str) -> None:
    job, due = await up_to(post, vault, entrypoint)
    await jobs.cancel(vault, job.id)
    await post.collect()
    before, log = await jobs.retrieve(vault, job.id), await jobs.log(vault, job.id)
    await post.deliver(due, due)
    assert await post.find_lost() == 0
    assert await post.collect() == []
    assert await jobs.retrieve(vault, job.id) == before
    assert before.status is JobStatus.CANCELLED
    assert await jobs.log(vault, job.id) == log


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
async def test_a_message_of_a_job_that_does_not_exist_changes_nothing(
    post: Post, vault: Vault, entrypoint: str
) -> None:
    job = await jobs.start(vault, Tracing(), GIVEN)
    await post.deliver((entrypoint, letter(entrypoint, job)[1].replace(str(job.id).encode(), b"2147483647")))
    with pytest.raises(InvalidData):
        await jobs.retrieve(vault, 2_147_483_647)
    await post.until_quiet()
    await check_ended(vault, job)


async def test_a_message_of_a_task_that_does_not_exist_changes_nothing(post: Post, vault: Vault) -> None:
    job, due = await up_to(post, vault, "task")
    await post.deliver(letter("task", job, 0), letter("task", job, TASKS + 1), letter("task", job, 2**31 - 1), due)
    await post.until_quiet()
    await check_ended(vault, job)


@pytest.mark.parametrize("entrypoint", ENTRYPOINTS)
@pytest.mark.parametrize("payload", [b"", b"null", b"{", b'{"job_id": "one"}', b'{"job_id": 1e99}', b"\xff"])
async def test_a_message_that_cannot_be_read_is_put_aside_and_work_goes_on(
    system_vault: Vault, vault: Vault, database_url: str, entrypoint: str, payload: bytes
) -> None:
    async with system_vault.database.transaction() as connection:
        await queue.enqueue(connection, [queue.Message(entrypoint, payload, key="broken", priority=100)])
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(system_vault, {"counting": Tracing()}, worker_id=WORKER, stop=stop))
        job = await jobs.start(vault, Tracing(), GIVEN)
        await ended(vault, job.id, seconds=60)
        stop.set()
    await check_ended(vault, job)
    connection_ = await asyncpg.connect(database_url)
    try:
        assert await connection_.fetchval("SELECT count(*) FROM pgqueuer") == 0
    finally:
        await connection_.close()


@pytest.mark.parametrize("seed", range(12))
async def test_jobs_end_once_and_whole_however_badly_their_messages_are_delivered(
    post: Post, vault: Vault, seed: int
) -> None:
    chance = random.Random(seed)
    started = [await jobs.start(vault, Tracing(), GIVEN) for _ in range(chance.randint(1, 3))]
    await disorder(post, chance, rounds=chance.randint(20, 120))
    for _ in range(100):
        if all([(await jobs.retrieve(vault, job.id)).status.is_terminal for job in started]):
            break
        await post.find_lost()
        await post.until_quiet()
    late = chance.sample(post.seen, len(post.seen))
    for first, second in zip(late, reversed(late), strict=True):
        await post.deliver(first, second)
    for job in started:
        await check_ended(vault, job)
