"""Jobs of many items: written in parts of bounded size, and resumed where a try at making them broke off."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import msgspec
import pytest
from tests.engine.post import Post

from strongroom.domain.job import Job, JobStatus
from strongroom.engine.execution import Execution
from strongroom.sdk import CompletionContext, InitContext, JobKind, ProcessContext
from strongroom.services import job_messages, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ITEMS, CHUNK = 30_000, 20


@dataclass(frozen=True)
class ManyInput:
    """How many items, and how many letters each holds beside its number."""

    items: int = ITEMS
    letters: int = 0


class Many(JobKind[ManyInput]):
    """Items with numbers from ``first`` on; stands still for ever before the one at place ``stands_at``."""

    name = "many"
    title = "Many"
    input = ManyInput
    chunk_size = CHUNK

    def __init__(self, first: int = 0, changed_from: int = ITEMS, items: int = ITEMS, stands_at: int = -1) -> None:
        self.first, self.changed_from, self.items, self.stands_at = first, changed_from, items, stands_at
        self.stands = asyncio.Event()

    def number(self, place: int) -> int:
        return place + (self.first if place >= self.changed_from else 0)

    async def init(self, ctx: InitContext[ManyInput]) -> AsyncIterator[dict[str, Any]]:
        for place in range(min(self.items, ctx.input.items)):
            if place == self.stands_at:
                self.stands.set()
                await asyncio.Event().wait()
            yield {"number": self.number(place), "letters": "x" * ctx.input.letters}

    async def process(self, ctx: ProcessContext[ManyInput]) -> None:
        ctx.output["sum"] = sum(item["number"] for item in ctx.task.items)

    async def complete_with_success(self, ctx: CompletionContext[ManyInput]) -> None:
        total = 0
        async for task in ctx.tasks():
            total += (task.output or {})["sum"]
        await ctx.log(f"sum {total}")


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def broken_off(system_vault: Vault, vault: Vault, stands_at: int) -> Job:
    """A job whose first try at its items came to an end before the item at this place, as by a kill."""
    job = await jobs.start(vault, Many(), ManyInput())
    kind = Many(stands_at=stands_at)
    making = asyncio.create_task(queue(system_vault, kind, job))
    async with asyncio.timeout(60):
        await kind.stands.wait()
    making.cancel()
    await asyncio.wait({making})
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.QUEUEING
    return job


async def queue(vault: Vault, kind: Many, job: Job) -> None:
    await Execution(vault, {"many": kind}, slots=2).run(msgspec.json.encode(job_messages.JobMessage(job.id)))


async def rows(database: asyncpg.Connection, job: Job) -> dict[int, tuple[str, list[int]]]:
    """The tasks of a job by number: who has written each, and the numbers of its items."""
    found = await database.fetch(
        "SELECT number, xmin::text AS writer, items FROM job_tasks WHERE job_id = $1 ORDER BY number", job.id
    )
    return {
        row["number"]: (row["writer"], [item["number"] for item in msgspec.json.decode(row["items"])]) for row in found
    }


def numbers(found: dict[int, tuple[str, list[int]]]) -> list[int]:
    return [number for _, (_, items) in sorted(found.items()) for number in items]


async def test_a_later_try_keeps_what_is_there_and_writes_the_rest(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job = await broken_off(system_vault, vault, stands_at=ITEMS // 2)
    before = await rows(database, job)
    assert 0 < len(before) <= ITEMS // 2 // CHUNK
    await queue(system_vault, Many(), job)
    after = await rows(database, job)
    assert {number: after[number] for number in before} == before
    assert list(after) == list(range(1, ITEMS // CHUNK + 1))
    assert numbers(after) == list(range(ITEMS))
    queued = await jobs.retrieve(vault, job.id)
    assert (queued.status, queued.total_tasks, queued.open_tasks) == (JobStatus.QUEUED, len(after), len(after))


@pytest.mark.parametrize("changed_from", [0, 7, 5 * CHUNK, 250 * CHUNK + 3])
@pytest.mark.parametrize("items", [ITEMS, ITEMS // 2 + 7, ITEMS // 4, 3 * CHUNK, 0])
async def test_a_later_try_with_other_items_leaves_its_own_and_no_others(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection, changed_from: int, items: int
) -> None:
    job = await broken_off(system_vault, vault, stands_at=ITEMS // 2)
    other = Many(first=1_000_000, changed_from=changed_from, items=items)
    await queue(system_vault, other, job)
    after = await rows(database, job)
    assert list(after) == list(range(1, -(-items // CHUNK) + 1))
    assert numbers(after) == [other.number(place) for place in range(items)]
    assert (await jobs.retrieve(vault, job.id)).total_tasks == len(after)


async def test_a_try_that_broke_off_while_it_wrote_anew_is_followed_by_a_right_one(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job = await broken_off(system_vault, vault, stands_at=ITEMS // 2)
    second = Many(first=1_000_000, changed_from=5000, stands_at=9000)
    making = asyncio.create_task(queue(system_vault, second, job))
    async with asyncio.timeout(60):
        await second.stands.wait()
    making.cancel()
    await asyncio.wait({making})
    await queue(system_vault, Many(), job)
    assert numbers(await rows(database, job)) == list(range(ITEMS))


async def test_a_resumed_job_does_each_of_its_tasks_once(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job = await broken_off(system_vault, vault, stands_at=ITEMS - 1)
    post = Post(system_vault, database, [Execution(system_vault, {"many": Many()}, slots=20)])
    await post.until_quiet()
    done = await jobs.retrieve(vault, job.id)
    assert (done.status, done.total_tasks, done.open_tasks) == (JobStatus.SUCCESS, ITEMS // CHUNK, 0)
    assert await database.fetchval("SELECT max(attempt) FROM job_tasks") == 1
    assert f"sum {sum(range(ITEMS))}" in [line.text for line in await jobs.log(vault, job.id)]


async def test_tasks_that_are_large_are_written_a_few_at_a_time(
    system_vault: Vault, vault: Vault, database: asyncpg.Connection
) -> None:
    job = await jobs.start(vault, Many(), ManyInput(items=20 * CHUNK, letters=20_000))
    await queue(system_vault, Many(), job)
    size = CHUNK * 20_000
    found = await rows(database, job)
    assert numbers(found) == list(range(20 * CHUNK))
    writers = [writer for writer, _ in found.values()]
    assert max(writers.count(writer) for writer in set(writers)) * size <= 2**20
