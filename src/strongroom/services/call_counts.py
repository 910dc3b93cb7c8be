"""Counts of calls that all web processes of a Vault share."""

from strongroom.store import call_counts as rows
from strongroom.vault import Vault


async def add(vault: Vault, subject: bytes, calls: int, window: float) -> tuple[int, float]:
    """Count calls of a subject, in a new window of ``window`` seconds if none is open.

    Gives all calls of the window, these included, and the seconds that are left of it.
    """
    async with vault.database.transaction() as connection:
        return await rows.add(connection, subject, calls, window)


async def remove_ended(vault: Vault) -> None:
    """Delete the windows that are over."""
    async with vault.database.transaction() as connection:
        await rows.remove_ended(connection)
