"""A task that finds a disk full waits for space: it is not its fault, and it is not given up for it."""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from tests.engine.conftest import WORKER, ended
from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.errors import StorageFull
from strongroom.domain.job import JobStatus
from strongroom.engine import code, patience, worker
from strongroom.sdk import ProcessContext
from strongroom.services import jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


@dataclass
class OnAFullDisk(Counting):
    """Counts once there is space; until then each try to write ends as the blob store's or the system's would."""

    error: Callable[[], Exception]
    patience: int
    space: asyncio.Event = field(default_factory=asyncio.Event)
    often: asyncio.Event = field(default_factory=asyncio.Event)
    tries: int = 0

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        self.tries += 1
        if self.tries == self.patience:
            self.often.set()
        if not self.space.is_set():
            raise self.error()
        await super().process(ctx)


@pytest.mark.parametrize(
    "error",
    [StorageFull, lambda: OSError(errno.ENOSPC, "No space left on device")],
    ids=["the store's", "the system's"],
)
async def test_a_task_waits_as_long_as_a_disk_is_full(
    system_vault: Vault, vault: Vault, monkeypatch: pytest.MonkeyPatch, error: Callable[[], Exception]
) -> None:
    monkeypatch.setattr(patience, "FULL_PAUSE", 0.01)
    kind, stop = OnAFullDisk(error, patience=3 * code.MAX_ATTEMPTS), asyncio.Event()
    job = await jobs.start(vault, kind, CountingInput(items=2))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(worker.run(system_vault, {"counting": kind}, worker_id=WORKER, stop=stop))
        await kind.often.wait()
        assert (await jobs.retrieve(vault, job.id)).status is JobStatus.RUNNING
        kind.space.set()
        assert (await ended(vault, job.id)).status is JobStatus.SUCCESS
        stop.set()
    (task,) = [each async for each in jobs.task_outputs(vault, await jobs.retrieve(vault, job.id))]
    assert task.output == {"numbers": [0, 1]}


async def test_a_cancelled_job_is_not_held_by_a_full_disk(
    system_vault: Vault, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "FULL_PAUSE", 0.01)
    kind, stop = OnAFullDisk(StorageFull, patience=1), asyncio.Event()
    job = await jobs.start(vault, kind, CountingInput(items=2))
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(worker.run(system_vault, {"counting": kind}, worker_id=WORKER, stop=stop))
        await kind.often.wait()
        await jobs.cancel(vault, job.id)
        other = await jobs.start(vault, Counting(), CountingInput(items=0))
        assert (await ended(vault, other.id)).status is JobStatus.SUCCESS
        kind.space.set()
        stop.set()
    assert (await jobs.retrieve(vault, job.id)).status is JobStatus.CANCELLED
