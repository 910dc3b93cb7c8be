"""How soon after the end of a job the work on it ends."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from tests.engine.kinds_for_tests import Counting, CountingInput
from tests.engine.slow_kinds import SLOTS, Running, Slow, Stubborn, Threaded, left, occupied, until

from strongroom.domain.job import Job, JobStatus
from strongroom.engine import stopping
from strongroom.sdk import ProcessContext, threads
from strongroom.services import jobs
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

PROMISED = 2.0  # seconds


class Ticking(Slow):
    """Notes the moment of each of its steps."""

    name = "ticking"

    def __init__(self) -> None:
        super().__init__()
        self.last = 0.0

    async def wait(self) -> None:
        try:
            while not self.let_go.is_set():
                self.last = time.monotonic()
                await asyncio.sleep(0.005)
        finally:
            self.told.append("over")


class Noting(Counting):
    """Notes the moment at which a task of it is worked on."""

    name = "noting"

    def __init__(self) -> None:
        self.begun = list[float]()

    async def process(self, ctx: ProcessContext[CountingInput]) -> None:
        self.begun.append(time.monotonic())


def test_a_look_and_the_patience_after_it_make_two_seconds() -> None:
    """Exact, where the tests below are lenient: what they measure is made longer by a machine that is busy."""
    assert stopping.LOOK_EVERY + stopping.PATIENCE <= PROMISED


async def test_code_that_can_be_stopped_does_its_last_step_in_two_seconds(
    vault: Vault, work: Callable[..., Running]
) -> None:
    kind = Ticking()
    work(kind)

    async def attempt() -> float:
        started = await occupied(vault, kind)
        kind.told.clear()
        asked = time.monotonic()
        await cancel_all(vault, started)
        await until(lambda: len(kind.told) == SLOTS)
        return kind.last - asked

    await keep_the_promise(attempt, PROMISED)


@pytest.mark.parametrize("kind_class", [Stubborn, Threaded])
async def test_slots_with_code_that_cannot_be_stopped_are_others_in_two_seconds(
    vault: Vault, work: Callable[..., Running], monkeypatch: pytest.MonkeyPatch, kind_class: type[Slow]
) -> None:
    """The other job waits for nothing but a slot; its two messages have a second more."""
    monkeypatch.setattr(stopping, "RENEW_AFTER", 3600.0)
    kind, other = kind_class(), Noting()
    work(kind, other)

    async def attempt() -> float:
        started = await occupied(vault, kind)
        other.begun.clear()
        await jobs.start(vault, other, CountingInput())
        asked = time.monotonic()
        await cancel_all(vault, started)
        await until(lambda: other.begun != [])
        return other.begun[0] - asked

    await keep_the_promise(attempt, PROMISED + 1)
    kind.release()
    await until(lambda: not left() and not threads.abandoned())


async def cancel_all(vault: Vault, started: list[Job]) -> None:
    """Cancel jobs, each of which has that status at once."""
    for job in started:
        await jobs.cancel(vault, job.id)
        assert (await jobs.retrieve(vault, job.id)).status is JobStatus.CANCELLED


async def keep_the_promise(attempt: Callable[[], Awaitable[float]], within: float) -> None:
    """Try until an attempt takes no more than so many seconds.

    A machine that is busy only adds to what an attempt takes, so one that is in time shows that the promise can be kept.
    If the code is slower than it is to be, none is.
    """
    took, deadline = list[float](), time.monotonic() + 120
    while not took or took[-1] > within:
        assert time.monotonic() < deadline, took
        took.append(await attempt())
