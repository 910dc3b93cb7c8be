"""Queues of custom jobs: made, listed, held back, let go, emptied and deleted."""

from collections.abc import Sequence

from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.job_queue import JobQueue, check_name
from strongroom.services import job_ends, job_messages
from strongroom.store import job_queues as rows
from strongroom.store.database import Connection
from strongroom.store.job_queues import Waiting
from strongroom.vault import Vault

_AT_ONCE = 500  # jobs in one statement


async def list_queues(vault: Vault) -> list[JobQueue]:
    """Every queue that the user may see: who has no permission for queues sees none, which is no error in Vault."""
    if not vault.user.is_admin:
        return []
    async with vault.database.reading() as connection:
        return await rows.list_all(connection)


async def retrieve(vault: Vault, name: str) -> JobQueue:
    """One queue."""
    _require_queues(vault)
    async with vault.database.reading() as connection:
        found = await rows.list_all(connection, name)
    if not found:
        raise _unknown(name)
    return found[0]


async def create(vault: Vault, name: str) -> JobQueue:
    """Make a queue whose delivery is enabled. Workers need not be told: a job names its queue, and they look there."""
    _require_queues(vault)
    check_name(name)
    async with vault.database.transaction() as connection:
        if not await rows.add(connection, name, vault.clock.now()):
            raise InvalidData(f"There is a queue [{name}] already.")
    return JobQueue(name, delivery=True, messages=0)


async def delete(vault: Vault, name: str) -> None:
    """Delete a queue that neither job metadata nor active jobs use."""
    _require_queues(vault)
    async with vault.database.transaction() as connection:
        await _hold(connection, name)
        if users := await rows.users(connection, name):
            raise OperationNotAllowed(f"Queue [{name}] cannot be deleted: it is used by {' and '.join(users)}.")
        await rows.remove(connection, name)


async def disable_delivery(vault: Vault, name: str) -> None:
    """Keep the jobs of a queue QUEUED from now on; those that are RUNNING go on."""
    _require_queues(vault)
    async with vault.database.transaction() as connection:
        await _hold(connection, name)
        await rows.set_delivery(connection, name, delivery=False)


async def enable_delivery(vault: Vault, name: str) -> None:
    """Let the jobs of a queue go: their messages, which were taken in vain, are written anew together with the flag.

    A worker that has looked at a job just before sees no flag yet, and its message still stands in the way of the new
    one. The sweep finds that job some seconds later, as it does every job that has lost its messages.
    """
    _require_queues(vault)
    async with vault.database.transaction() as connection:
        await _hold(connection, name)
        if not await rows.set_delivery(connection, name, delivery=True):
            return
        last = 0
        while waiting := await rows.waiting(connection, name, last, _AT_ONCE):
            await _send(connection, waiting)
            last = waiting[-1].id


async def reset(vault: Vault, name: str) -> int:
    """Cancel every job that is QUEUED in a queue, whatever its code says of cancelling; returns how many."""
    await retrieve(vault, name)
    user = vault.user.id
    return await job_ends.end_all(vault, lambda connection, now, most: rows.cancel(connection, name, user, now, most))


def _require_queues(vault: Vault) -> None:
    if not vault.user.is_admin:
        raise InsufficientAccess(
            f"User [{vault.user.id}] may not use queues: it needs the permission Admin: SDK Job Queues."
        )


def _unknown(name: str) -> InvalidData:
    return InvalidData(f"There is no queue [{name[:100]}].")


async def _hold(connection: Connection, name: str) -> None:
    if not await rows.hold(connection, name):
        raise _unknown(name)


async def _send(connection: Connection, waiting: Sequence[Waiting]) -> None:
    """Write the first messages of QUEUED jobs: no task of theirs has begun."""
    await job_messages.enqueue_run(connection, [job.id for job in waiting if job.whole])
    divided = [job for job in waiting if not job.whole]
    await job_messages.enqueue_complete(connection, [job.id for job in divided if job.ended])
    tasks = [(job.id, number) for job in divided if not job.ended for number in range(1, job.queued_tasks + 1)]
    await job_messages.enqueue_tasks(connection, tasks)
