"""A worker: takes messages until it is told to stop, and looks for jobs that have none."""

import asyncio
from typing import Any

from strongroom.engine import sweep
from strongroom.engine.execution import Execution
from strongroom.sdk import JobKind
from strongroom.services import job_messages
from strongroom.store.passing import is_passing
from strongroom.store.queue import Consumer, HandBackError, Handler
from strongroom.vault import Vault


async def run(vault: Vault, kinds: dict[str, JobKind[Any]], *, worker_id: str, stop: asyncio.Event) -> None:
    """Work until ``stop`` is set; then what runs ends, or is handed back after the grace time of the settings."""
    settings = vault.settings
    execution = Execution(vault, kinds, settings.slots)
    handlers = {
        job_messages.RUN: _patient(execution.run),
        job_messages.TASK: _patient(execution.task),
        job_messages.COMPLETE: _patient(execution.complete),
    }
    consumer = Consumer(vault.database.url, worker_id, handlers, settings.slots, settings.drain_seconds)
    async with asyncio.TaskGroup() as group:
        group.create_task(consumer.run(stop))
        group.create_task(sweep.run(vault, stop))


def _patient(step: Handler) -> Handler:
    """Give a message back when the database is away, instead of losing it to an error that says nothing of the job."""

    async def handle(payload: bytes) -> None:
        try:
            await step(payload)
        except Exception as error:
            if is_passing(error):
                raise HandBackError(delay=0.5) from error
            raise

    return handle
