"""What a test sees of locks."""

import asyncio

from sqlalchemy import text

from strongroom.vault import Vault


async def somebody_waits_for_a_lock(vault: Vault) -> None:
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )
    async with asyncio.timeout(60):
        while True:
            async with vault.database.reading() as connection:
                if await connection.scalar(waiting):
                    return
            await asyncio.sleep(0.02)
