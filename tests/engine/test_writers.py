"""How many tasks of a worker write at a time."""

import asyncio
from contextlib import suppress

import msgspec
import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import Job, JobStatus
from strongroom.engine.execution import Execution
from strongroom.sdk import ProcessContext
from strongroom.services import job_messages, jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

TASKS, WRITERS = 5, 2


class Writing(Counting):
    """Holds its transactions open until it is let go."""

    chunk_size = 1

    def __init__(self) -> None:
        self.writing, self.let_go, self.full, self.too_many = 0, asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        if ctx.input.items == TASKS:
            ctx.apply(self.write)

    async def write(self, _: Vault) -> None:
        self.writing += 1
        if self.writing >= WRITERS:
            self.full.set()
        if self.writing > WRITERS:
            self.too_many.set()
        await self.let_go.wait()
        self.writing -= 1


async def begun(execution: Execution, vault: Vault, kind: Writing, items: int) -> Job:
    job = await jobs.start(vault, kind, CountingInput(items=items))
    await execution.run(message(job))
    return job


def message(job: Job, task: int = 0) -> bytes:
    return msgspec.json.encode(job_messages.JobMessage(job.id, task))


async def test_no_more_tasks_than_may_write_at_a_time_and_the_others_of_a_worker_go_on(
    system_vault: Vault, vault: Vault
) -> None:
    kind = Writing()
    execution = Execution(system_vault, {kind.name: kind}, slots=TASKS, writers=asyncio.Semaphore(WRITERS))
    writes, only_counts = await begun(execution, vault, kind, TASKS), await begun(execution, vault, kind, 1)
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        for number in range(1, TASKS + 1):
            group.create_task(execution.task(message(writes, number)))
        await kind.full.wait()
        await execution.task(message(only_counts, 1))
        with suppress(TimeoutError):
            await asyncio.wait_for(kind.too_many.wait(), 0.5)
        kind.let_go.set()
    assert not kind.too_many.is_set()
    for job in (writes, only_counts):
        await execution.complete(message(job))
        assert (await jobs.retrieve(vault, job.id)).status is JobStatus.SUCCESS
