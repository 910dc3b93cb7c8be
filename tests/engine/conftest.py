"""A worker that knows the kind of the engine's tests."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput

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


async def ended(vault: Vault, job_id: int, seconds: float = 20) -> Job:
    deadline = time.monotonic() + seconds
    while not (job := await jobs.retrieve(vault, job_id)).status.is_terminal:
        assert time.monotonic() < deadline, f"job {job_id} is still {job.status}"
        await asyncio.sleep(0.02)
    return job
