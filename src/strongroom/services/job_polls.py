"""The 10-second rule across web processes: who may ask for the status of a job now."""

from datetime import timedelta

from strongroom.store import job_polls as rows
from strongroom.vault import Vault


async def accept(vault: Vault, job_id: int, period: float) -> float:
    """Open a period of ``period`` seconds for a job: 0. If one is open, the seconds that it still lasts."""
    async with vault.database.transaction() as connection:
        return await rows.accept(connection, job_id, period)


async def remove_ended(vault: Vault) -> None:
    """Delete the periods that are over, those of the longest rule included."""
    async with vault.database.transaction() as connection:
        await rows.remove(connection, timedelta(minutes=1))
