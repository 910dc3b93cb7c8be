"""Kinds of jobs whose code works until it is let go, each in its own way; and workers that do them."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.engine.kinds_for_tests import Counting, CountingInput

from strongroom.domain.job import Job
from strongroom.sdk import ProcessContext, threads
from strongroom.services import job_runs, jobs
from strongroom.vault import Vault

SLOTS = 2


class Slow(Counting):
    """Works until it is let go. ``tells`` what it met."""

    name = "slow"
    chunk_size = 1

    def __init__(self) -> None:
        self.begun, self.let_go, self.told = asyncio.Semaphore(0), asyncio.Event(), list[str]()

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        ctx.apply(self.apply)
        self.begun.release()
        await self.wait()
        await self.say(ctx)

    async def wait(self) -> None:
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.told.append("stopped")
            raise

    def release(self) -> None:
        self.let_go.set()

    async def say(self, ctx: ProcessContext[CountingInput]) -> None:
        try:
            await ctx.log("late")
        except job_runs.AbandonedError:
            self.told.append("refused")
        else:
            self.told.append("written")

    async def apply(self, _: Vault) -> None:
        self.told.append("applied")


class Stubborn(Slow):
    """Takes no notice of being stopped."""

    name = "stubborn"

    async def wait(self) -> None:
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                continue


class Threaded(Slow):
    """Works in a thread, which cannot be stopped, and logs from there."""

    name = "threaded"

    def __init__(self) -> None:
        super().__init__()
        self.free = threading.Event()

    def release(self) -> None:
        self.free.set()

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            loop.call_soon_threadsafe(self.begun.release)
            self.free.wait()
            asyncio.run_coroutine_threadsafe(self.say(ctx), loop).result()

        ctx.apply(self.apply)
        await threads.in_thread(work)


@dataclass
class Running:
    """A worker of a test, which ends by itself or with the test."""

    task: "asyncio.Task[bool]"
    stop: asyncio.Event = field(default_factory=asyncio.Event)


async def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.02)


async def occupied(vault: Vault, kind: Slow) -> list[Job]:
    """Jobs of a kind that hold every slot of the worker."""
    started = [await jobs.start(vault, kind, CountingInput(items=1)) for _ in range(SLOTS)]
    async with asyncio.timeout(60):
        for _ in started:
            await kind.begun.acquire()
    return started


def left() -> list["asyncio.Task[Any]"]:
    """What handlers still do."""
    return [each for each in asyncio.all_tasks() if getattr(each.get_coro(), "__name__", "") == "_begun"]
