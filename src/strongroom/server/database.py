"""The server's PostgreSQL: the bundled one, watched and started again, or the one of ``--database-url``."""

import asyncio
import os
from collections.abc import Callable

import structlog

from strongroom.config import CannotRun, Settings
from strongroom.store.embedded import EmbeddedPostgres, EmbeddedPostgresError, Server, abandoned

_LOOK_EVERY = 1.0  # seconds

_log = structlog.stdlib.get_logger("strongroom.server")


class RunningDatabase:
    """The database of one server; everything that blocks runs in a thread, one thing at a time."""

    def __init__(self, settings: Settings) -> None:
        self._given = settings.database_url
        self._postgres = EmbeddedPostgres(
            settings.data_dir, postgres_bin=settings.postgres_bin, ephemeral=settings.ephemeral
        )
        self._work: asyncio.Future[Server] | None = None

    async def start(self) -> str:
        """Start it if it is ours, and return its URL; raises ``CannotRun``."""
        if self._given:
            return self._given
        try:
            return (await self._do(self._postgres.start)).url
        except EmbeddedPostgresError as error:
            raise CannotRun(str(error)) from error

    async def keep(self) -> None:
        """Start it again, at the same URL, whenever it has died, and its watcher, too; runs until cancelled."""
        await self._name_abandoned()
        while not self._given:
            await asyncio.sleep(_LOOK_EVERY)
            died = "watcher" if self._postgres.is_running() else "database"
            if died == "watcher" and self._postgres.is_watched():
                continue
            try:
                server = await self._do(self._postgres.ensure)
                _log.error(f"the {died} died and has been started again", pid=server.pid)
            except EmbeddedPostgresError as error:
                _log.error(f"the {died} died and cannot be started again", reason=str(error))

    async def stop(self) -> None:
        """Stop it if it is ours."""
        if self._work:
            await asyncio.wait({self._work})
            await asyncio.to_thread(self._postgres.stop)

    async def _name_abandoned(self) -> None:
        if self._given or os.geteuid() != 0:
            return
        for database, data_dir in await asyncio.to_thread(abandoned):
            _log.warning(
                "the data directory of a database is gone: delete the database, too, unless it comes back",
                database=str(database),
                data_dir=str(data_dir),
            )

    async def _do(self, deed: Callable[[], Server]) -> Server:
        self._work = asyncio.ensure_future(asyncio.to_thread(deed))
        return await asyncio.shield(self._work)  # a thread cannot be cancelled: ``stop`` waits for it
