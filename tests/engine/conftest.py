"""Workers that know the kinds of the engine's tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace
from typing import Any

import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.engine.slow_kinds import SLOTS, Running, Slow

from strongroom.domain.job import Job
from strongroom.engine import worker
from strongroom.sdk import JobKind
from strongroom.services import jobs
from strongroom.vault import Vault

WORKER = "00000000-0000-4000-8000-000000000001"
KINDS: dict[str, JobKind[Any]] = {"counting": Counting()}


@pytest.fixture
async def counting_worker(system_vault: Vault) -> AsyncIterator[None]:
    stop = asyncio.Event()
    working = asyncio.create_task(worker.run(system_vault, KINDS, worker_id=WORKER, stop=stop))
    yield
    stop.set()
    await working


@pytest.fixture
def run_job(vault: Vault, counting_worker: None) -> Callable[[CountingInput], Coroutine[None, None, Job]]:
    async def run(given: CountingInput) -> Job:
        job = await jobs.start(vault, Counting(), given)
        return await ended(vault, job.id)

    return run


@pytest.fixture
async def work(system_vault: Vault) -> AsyncIterator[Callable[..., Running]]:
    """Start a worker that knows some kinds of jobs."""
    vault = replace(system_vault, settings=system_vault.settings.model_copy(update={"slots": SLOTS}))
    started, slow = list[Running](), list[Slow]()

    def start(*kinds: Counting) -> Running:
        stop = asyncio.Event()
        known: dict[str, Any] = {kind.name: kind for kind in kinds}
        running = Running(asyncio.create_task(worker.run(vault, known, worker_id=WORKER, stop=stop)), stop)
        started.append(running)
        slow.extend(kind for kind in kinds if isinstance(kind, Slow))
        return running

    yield start
    for kind in slow:
        kind.release()
    for each in started:
        each.stop.set()
        await each.task


async def ended(vault: Vault, job_id: int, seconds: float = 20) -> Job:
    deadline = time.monotonic() + seconds
    while not (job := await jobs.retrieve(vault, job_id)).status.is_terminal:
        assert time.monotonic() < deadline, f"job {job_id} is still {job.status}"
        await asyncio.sleep(0.02)
    return job
