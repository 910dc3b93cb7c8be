"""The history of jobs: pruned."""

from datetime import datetime

from strongroom.store import job_history as rows
from strongroom.vault import Vault

_AT_ONCE = 50  # jobs in one transaction: each may have thousands of tasks


async def prune(vault: Vault, before: datetime) -> int:
    """Delete the jobs that ended before that moment, with their tasks and logs; returns how many."""
    pruned, last = 0, _AT_ONCE
    while last == _AT_ONCE:
        async with vault.database.transaction() as connection:
            last = await rows.remove(connection, before, _AT_ONCE)
        pruned += last
    return pruned
