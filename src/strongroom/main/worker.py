"""What a worker does: with a server, and alone on another machine."""

import asyncio
from collections.abc import Callable

from strongroom import kinds
from strongroom.config import CannotRun, Settings
from strongroom.engine import custom_files, worker
from strongroom.main.vault import open_vault, reach, reach_blobs, refuse_newer
from strongroom.sdk import load
from strongroom.services import housekeeping
from strongroom.store import migrations
from strongroom.store.database import Database


async def work(
    settings: Settings, worker_id: str, replaces: str | None, ready: Callable[[], None], stop: asyncio.Event
) -> bool:
    """Run jobs until ``stop`` is set; ``replaces`` is a dead worker, whose messages are given out anew at once.

    Gives whether abandoned code still runs, which nobody can end but with the process.
    """
    assert settings.database_url is not None
    await reach(settings.database_url)
    async with open_vault(settings) as vault:
        if replaces:
            await housekeeping.requeue_of(vault, replaces)
        known = {**load(kinds), **await custom_files.load(vault)}
        ready()
        return await worker.run(vault, known, worker_id=worker_id, stop=stop)


async def work_alone(
    settings: Settings, worker_id: str, replaces: str | None, ready: Callable[[], None], stop: asyncio.Event
) -> bool:
    """Do the same without a server, which would have looked whether blobs and database are fit for use."""
    assert settings.database_url is not None
    await reach_blobs(settings)
    await reach(settings.database_url)
    await _find_prepared(settings.database_url)
    return await work(settings, worker_id, replaces, ready, stop)


async def _find_prepared(url: str) -> None:
    database = Database.connect(url, pool_size=2)
    try:
        revision = await migrations.revision(database)
    finally:
        await database.close()
    refuse_newer(revision)
    if revision != migrations.HEAD:
        raise CannotRun(
            f"The database is not ready for this version of Strongroom (it has schema {revision or 'none'}, this needs "
            f"{migrations.HEAD}): start a strongroom serve of this version first."
        )
