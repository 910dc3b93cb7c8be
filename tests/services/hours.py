"""Time that passes for the sweep: everything that it knows of grows older, rows and files."""

import os

from sqlalchemy import text

from strongroom.services import housekeeping
from strongroom.vault import Vault

_DATES = (
    ("blobs", "created_date"),
    ("contents", "created_date"),
    ("contents", "unused_date"),
    ("blob_tombstones", "deleted_date"),
    ("vaults", "searched_date"),
)


async def pass_hours(vault: Vault, hours: float) -> None:
    """Make everything so much older."""
    async with vault.database.transaction() as connection:
        for table, column in _DATES:
            await connection.execute(text(f"UPDATE {table} SET {column} = {column} - interval '{hours} hours'"))
    for path in (vault.settings.data_dir / "blobs").rglob("*"):
        if path.is_file():
            modified = path.stat().st_mtime - hours * 3600
            os.utime(path, (modified, modified))


async def pass_days_with_sweeps(vault: Vault, days: int) -> None:
    """Let days pass in which a worker sweeps as it does, only less often."""
    for _ in range(days * 8):
        await pass_hours(vault, 3)
        await housekeeping.search_blobs(vault)
        await housekeeping.sweep_blobs(vault)


def blob_files(vault: Vault) -> list[str]:
    """The files in the blob folder, complete or not."""
    return sorted(path.name for path in (vault.settings.data_dir / "blobs").rglob("*") if path.is_file())
