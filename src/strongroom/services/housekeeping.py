"""What is thrown away after a time: extracts, the queue's own log, bytes that nobody refers to."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from strongroom.services import call_counts, job_polls, webhook_deliveries
from strongroom.store import job_counts, queue, staging, sweep
from strongroom.store.database import Connection
from strongroom.vault import Vault

_QUEUE_LOG_AGE = timedelta(minutes=10)
_AT_ONCE = 1000  # rows in one transaction
UNUSED_AGE = timedelta(hours=24)
"""How long what nobody refers to is kept, at each of its three steps."""


async def tidy(vault: Vault) -> None:
    """Delete what polls, limits, the queue and webhooks have noted and nobody needs; fold the counts of jobs."""
    await job_polls.remove_ended(vault)
    await call_counts.remove_ended(vault)
    await webhook_deliveries.tidy(vault)
    async with vault.database.transaction() as connection:
        await queue.prune(connection, _QUEUE_LOG_AGE)
        await job_counts.fold(connection)


async def remove_expired_extracts(vault: Vault) -> int:
    """Delete the extracted files whose time is over, and the folders that are empty then; returns how many files."""
    async with vault.database.transaction() as connection:
        return await staging.remove_expired(connection, vault.clock.now())


async def sweep_blobs(vault: Vault, now: datetime | None = None) -> int:
    """Delete what nobody has referred to for a day; returns how many blobs lost their bytes.

    ``now`` is real time, not the Vault's: a test that moves the clock must not lose bytes that are being read.
    """
    now = now or datetime.now(UTC)
    before = now - UNUSED_AGE
    async with vault.database.transaction() as connection:
        await sweep.mark_unused_contents(connection, now)
    await _until_done(vault, lambda connection: sweep.remove_contents(connection, before, _AT_ONCE))
    await _until_done(vault, lambda connection: sweep.bury_blobs(connection, before, now, _AT_ONCE))
    removed = 0
    while keys := await _remove_buried(vault, before):
        removed += keys
    return removed


async def search_blobs(vault: Vault, now: datetime | None = None) -> int:
    """Bury bytes that no row has named for a day, which an upload that broke off may leave; returns how many.

    The whole store is listed, so this is done once a day, whoever asks for it and however often.
    """
    now = now or datetime.now(UTC)
    before = now - UNUSED_AGE
    async with vault.database.transaction() as connection:
        if not await sweep.claim_search(connection, now, before):
            return 0
    folder = vault.info.blob_folder
    strays = await vault.blobs.remove_drafts(folder, before)
    async for keys in vault.blobs.unchanged_since(folder, before):
        async with vault.database.transaction() as connection:
            # Not deleted at once: the row of a blob that was long on its way may be written at this moment.
            strays += await sweep.bury_strays(connection, keys, now)
    return strays


async def requeue_all(vault: Vault) -> None:
    """Give all messages back that anybody has taken: for a moment in which no worker is at work."""
    async with vault.database.transaction() as connection:
        await queue.requeue_all(connection)


async def requeue_of(vault: Vault, worker_id: str) -> int:
    """Give the messages of a dead worker back at once; returns how many there were."""
    async with vault.database.transaction() as connection:
        return await queue.requeue(connection, worker_id)


async def _until_done(vault: Vault, step: Callable[[Connection], Awaitable[int]]) -> None:
    done = _AT_ONCE
    while done == _AT_ONCE:
        async with vault.database.transaction() as connection:
            done = await step(connection)


async def _remove_buried(vault: Vault, before: datetime) -> int:
    async with vault.database.transaction() as connection:
        keys = await sweep.buried(connection, before, _AT_ONCE)
    for key in keys:
        await vault.blobs.delete(key)
    async with vault.database.transaction() as connection:
        await sweep.forget(connection, keys)
    return len(keys)
