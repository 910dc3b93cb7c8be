"""What is thrown away after a time: sessions, the queue's own log."""

from datetime import timedelta

from strongroom.services import sessions
from strongroom.store import queue
from strongroom.vault import Vault

_QUEUE_LOG_AGE = timedelta(minutes=10)


async def tidy(vault: Vault) -> None:
    """Delete expired sessions and the deliveries that the queue has noted."""
    await sessions.remove_expired(vault)
    async with vault.database.transaction() as connection:
        await queue.prune(connection, _QUEUE_LOG_AGE)


async def requeue_all(vault: Vault) -> None:
    """Give all messages back that anybody has taken: for a moment in which no worker is at work."""
    async with vault.database.transaction() as connection:
        await queue.requeue_all(connection)


async def requeue_of(vault: Vault, worker_id: str) -> int:
    """Give the messages of a dead worker back at once; returns how many there were."""
    async with vault.database.transaction() as connection:
        return await queue.requeue(connection, worker_id)
