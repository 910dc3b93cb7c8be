"""A worker: takes messages until it is told to stop, looks for jobs that have none, and ends those that must end."""

import asyncio
from typing import Any

from strongroom.engine import deliveries, scheduler, sweep, watchdog
from strongroom.engine.execution import Execution
from strongroom.engine.lookout import Lookout
from strongroom.engine.rounds import repeat
from strongroom.engine.stopping import LOOK_EVERY, Stopping
from strongroom.sdk import JobKind
from strongroom.services import job_messages
from strongroom.store.passing import is_passing
from strongroom.store.queue import Consumer, HandBackError, Handler
from strongroom.store.works import Works
from strongroom.vault import Vault


async def run(vault: Vault, kinds: dict[str, JobKind[Any]], *, worker_id: str, stop: asyncio.Event) -> bool:
    """Work until ``stop`` is set; then what runs ends, or is handed back after the grace time of the settings.

    Gives whether code that was abandoned still runs in this process. If it has done so for too long, the worker ends by
    itself, to be followed by a new one.
    """
    settings, works, lookout = vault.settings, Works(), Lookout()
    stopping = Stopping(vault, works)
    consumer = Consumer(
        vault.database.url, worker_id, _handlers(vault, kinds), settings.slots, settings.drain_seconds, works
    )
    ending, ended = asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(_either(stop, stopping.renew, ending))
        group.create_task(sweep.run(vault, ending))
        group.create_task(lookout.run(vault, ending))
        group.create_task(watchdog.run(vault, lookout, ending))
        group.create_task(scheduler.run(vault, lookout))
        group.create_task(deliveries.run(vault, lookout))
        # These go on while what runs has time to end.
        group.create_task(repeat(stopping.look, LOOK_EVERY, ended))
        group.create_task(repeat(stopping.bear, LOOK_EVERY, ended))
        await consumer.run(ending)
        ended.set()
    return stopping.abandoned > 0


def _handlers(vault: Vault, kinds: dict[str, JobKind[Any]]) -> dict[str, Handler]:
    execution = Execution(vault, kinds, vault.settings.slots)
    return {
        job_messages.RUN: _patient(execution.run),
        job_messages.TASK: _patient(execution.task),
        job_messages.COMPLETE: _patient(lambda payload, _: execution.complete(payload)),
    }


def _patient(step: Handler) -> Handler:
    """Give a message back when the database is away, instead of losing it to an error that says nothing of the job."""

    async def handle(payload: bytes, handed_back: int) -> None:
        try:
            await step(payload, handed_back)
        except Exception as error:
            if is_passing(error):
                raise HandBackError(delay=0.5) from error
            raise

    return handle


async def _either(first: asyncio.Event, second: asyncio.Event, then: asyncio.Event) -> None:
    """Set an event when one of two others is."""
    waiting = [asyncio.ensure_future(each.wait()) for each in (first, second)]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
    then.set()
