"""Errors that pass, such as a lost connection: however often a task meets one, it is not given up for that."""

import asyncio
from typing import Any

import pytest
from tests.engine.conftest import WORKER, ended
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import JobStatus
from strongroom.engine import worker
from strongroom.engine.code import MAX_ATTEMPTS
from strongroom.sdk import JobKind, ProcessContext
from strongroom.services import jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ERRORS = MAX_ATTEMPTS + 3


class Unlucky(Counting):
    """Meets so many errors that pass, and then none."""

    def __init__(self) -> None:
        self.met = 0

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        if self.met < ERRORS:
            self.met += 1
            raise ConnectionResetError("away for a moment")
        await super().process(ctx)


class UnluckyWhole(Unlucky):
    """The same, as a whole."""

    name = "unlucky"
    chunk_size = None


@pytest.mark.parametrize("kind", [Unlucky(), UnluckyWhole()])
async def test_errors_that_pass_are_not_counted_as_tries(vault: Vault, system_vault: Vault, kind: Unlucky) -> None:
    stop, kinds = asyncio.Event(), dict[str, JobKind[Any]]({kind.name: kind})
    async with asyncio.TaskGroup() as group:
        group.create_task(worker.run(system_vault, kinds, worker_id=WORKER, stop=stop))
        job = await jobs.start(vault, kind, CountingInput(items=2))
        done = await ended(vault, job.id, seconds=240)
        stop.set()
    assert kind.met == ERRORS
    assert done.status is JobStatus.SUCCESS
    assert not any("given up" in line.text for line in await jobs.log(vault, job.id))
