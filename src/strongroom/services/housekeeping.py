"""What is thrown away after a time: sessions, extracts, the queue's own log, bytes that nobody refers to."""

from datetime import UTC, datetime, timedelta

from strongroom.services import sessions
from strongroom.store import queue, staging, sweep
from strongroom.vault import Vault

_QUEUE_LOG_AGE = timedelta(minutes=10)
UNUSED_AGE = timedelta(hours=24)
"""How long what nobody refers to is kept, at each of its three steps."""


async def tidy(vault: Vault) -> None:
    """Delete expired sessions and extracts, and the deliveries that the queue has noted."""
    await sessions.remove_expired(vault)
    async with vault.database.transaction() as connection:
        await staging.remove_expired(connection, vault.clock.now())
        await queue.prune(connection, _QUEUE_LOG_AGE)


async def sweep_blobs(vault: Vault, now: datetime | None = None) -> int:
    """Delete what nobody refers to for a day; returns how many blobs lost their bytes.

    ``now`` is real time, not the Vault's: a test that moves the clock must not lose bytes that are being read.
    """
    now = now or datetime.now(UTC)
    before = now - UNUSED_AGE
    async with vault.database.transaction() as connection:
        await sweep.remove_contents(connection, before)
        await sweep.bury_blobs(connection, before, now)
        keys = await sweep.buried(connection, before, limit=1000)
    for key in keys:
        await vault.blobs.delete(key)
    async with vault.database.transaction() as connection:
        await sweep.forget(connection, keys)
    return len(keys)


async def requeue_all(vault: Vault) -> None:
    """Give all messages back that anybody has taken: for a moment in which no worker is at work."""
    async with vault.database.transaction() as connection:
        await queue.requeue_all(connection)


async def requeue_of(vault: Vault, worker_id: str) -> int:
    """Give the messages of a dead worker back at once; returns how many there were."""
    async with vault.database.transaction() as connection:
        return await queue.requeue(connection, worker_id)
