"""A job that ends from outside while its code runs: the code is stopped or left alone, and writes nothing more."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs
from tests.engine.conftest import ended
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.engine.slow_kinds import SLOTS, Running, Slow, Stubborn, Threaded, left, occupied, until

from strongroom.domain.job import ONE_TIME_LIMIT, Job, JobStatus
from strongroom.engine import stopping
from strongroom.sdk import ProcessContext, threads
from strongroom.services import job_ends, jobs
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

_SILENT = """
    WITH tasks AS (UPDATE job_tasks SET touched = now() - interval '1 day')
    UPDATE jobs SET touched = now() - interval '1 day'
"""


async def cancelled(vault: Vault, _url: str, job: Job) -> JobStatus:
    await jobs.cancel(vault, job.id)
    return JobStatus.CANCELLED


async def out_of_time(vault: Vault, _url: str, _job: Job) -> JobStatus:
    await job_ends.end_overdue(replace(vault, clock=Clock(ONE_TIME_LIMIT + timedelta(minutes=1))))
    return JobStatus.TIMEOUT


async def silent(vault: Vault, url: str, _job: Job) -> JobStatus:
    connection = await asyncpg.connect(url)
    await connection.execute(_SILENT)
    await connection.close()
    await job_ends.end_silent(vault)
    return JobStatus.COMPLETED_DUE_TO_INACTIVITY


@pytest.mark.parametrize("end", [cancelled, out_of_time, silent])
@pytest.mark.parametrize("kind_class", [Slow, Stubborn, Threaded])
async def test_the_slots_of_a_job_that_was_ended_are_free_for_others_and_its_code_writes_nothing(
    vault: Vault,
    database_url: str,
    work: Callable[..., Running],
    monkeypatch: pytest.MonkeyPatch,
    kind_class: type[Slow],
    end: Callable[[Vault, str, Job], Any],
) -> None:
    monkeypatch.setattr(stopping, "RENEW_AFTER", 3600.0)
    kind = kind_class()
    with capture_logs() as logs:
        running = work(kind, Counting())
        occupying = await occupied(vault, kind)
        for job in occupying:
            status = await end(vault, database_url, job)
        other = await jobs.start(vault, Counting(), CountingInput(items=4))
        assert (await ended(vault, other.id, seconds=60)).status is JobStatus.SUCCESS
        kind.release()
        await until(lambda: len(kind.told) == SLOTS and not threads.abandoned())
        await until(lambda: not left())
        running.stop.set()
        assert await running.task is False
    assert kind.told == ["stopped" if kind_class is Slow else "refused"] * SLOTS
    for job in occupying:
        assert (await jobs.retrieve(vault, job.id)).status is status
        lines = [line.text for line in await jobs.log(vault, job.id)]
        assert "late" not in lines
        assert lines.count(f"Completed counting job [{job.id}]") == 1
    assert {line["event"] for line in logs if line["log_level"] == "error"} == set()
    assert await _messages(database_url) == 0


async def test_finished_tasks_of_a_cancelled_job_can_be_read(vault: Vault, work: Callable[..., Running]) -> None:
    class Second(Slow):
        async def process(self, ctx: ProcessContext[CountingInput]) -> None:
            if ctx.task.number == 1:
                ctx.output["number"] = 1
                return
            await super().process(ctx)

    kind = Second()
    work(kind)
    job = await jobs.start(vault, kind, CountingInput(items=2))
    async with asyncio.timeout(60):
        await kind.begun.acquire()
        while len([task async for task in jobs.task_outputs(vault, job)]) != 1:  # noqa: ASYNC110 - the worker ends it
            await asyncio.sleep(0.02)
    await jobs.cancel(vault, job.id)
    await until(lambda: kind.told == ["stopped"])
    assert [task.output async for task in jobs.task_outputs(vault, job)] == [{"number": 1}]


@pytest.mark.parametrize("kind_class", [Stubborn, Threaded])
async def test_a_worker_with_abandoned_code_in_it_ends_and_another_does_what_is_left(
    vault: Vault, work: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, kind_class: type[Slow]
) -> None:
    monkeypatch.setattr(stopping, "RENEW_AFTER", 0.5)
    kind = kind_class()
    running = work(kind, Counting())
    for job in await occupied(vault, kind):
        await jobs.cancel(vault, job.id)
    assert await asyncio.wait_for(running.task, 60) is True
    other = await jobs.start(vault, Counting(), CountingInput(items=4))
    kind.release()
    await until(lambda: not left() and not threads.abandoned())
    work(Counting())
    assert (await ended(vault, other.id, seconds=60)).status is JobStatus.SUCCESS


async def _messages(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM pgqueuer"))
    finally:
        await connection.close()
