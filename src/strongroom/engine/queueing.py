"""A job's items are made and cut into tasks, a few of which are written at a time; a later try resumes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from typing import Any

import msgspec

from strongroom.engine.code import Code
from strongroom.services import job_runs
from strongroom.services.job_runs import Queueing
from strongroom.vault import Vault

# What is written in one transaction, at most: so much is kept in memory, however many items a job has. A single task
# may be larger.
_TASKS, _BYTES = 100, 2**20

# Items that are taken without a pause: others want the event loop, too.
_AT_A_GO = 200


async def write_tasks(vault: Vault, run: Queueing, code: Code) -> None:
    """Write the tasks of a job. What an earlier try has written stays for as long as the same items come again."""
    first, resumed = 1, run.attempt > 1
    batch, size = list[str](), 0
    async with _closed_at_the_end(code.items()) as items:
        async for chunk in _chunks(items, code.kind.chunk_size or 1):
            task = msgspec.json.encode(chunk).decode()
            if batch and (len(batch) == _TASKS or size + len(task) > _BYTES):
                resumed = await job_runs.add_tasks(vault, run, first, batch, resumed=resumed)
                first, batch, size = first + len(batch), [], 0
            batch.append(task)
            size += len(task)
    await job_runs.end_queueing(vault, run, first, batch, resumed=resumed)


def _closed_at_the_end(items: AsyncIterator[Any]) -> AbstractAsyncContextManager[AsyncIterator[Any]]:
    return aclosing(items) if isinstance(items, AsyncGenerator) else nullcontext(items)


async def _chunks(items: AsyncIterator[dict[str, Any]], size: int) -> AsyncIterator[list[dict[str, Any]]]:
    chunk: list[dict[str, Any]] = []
    taken = 0
    async for item in items:
        chunk.append(item)
        taken += 1
        if taken % _AT_A_GO == 0:
            await asyncio.sleep(0)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
