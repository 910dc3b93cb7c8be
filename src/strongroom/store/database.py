"""The connection to PostgreSQL: pools, transactions, and the driver's own connection for hot statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import asyncpg
import msgspec
import structlog
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from strongroom.domain.errors import StorageFull
from strongroom.store.changes import Changes
from strongroom.store.links import SERVER_SETTINGS, WatchedConnection
from strongroom.store.looks import Looks
from strongroom.store.passing import is_full
from strongroom.store.together import Answer, Asked, Deed, Together

Connection = AsyncConnection

CONNECT_SECONDS = 3.0
"""How long an attempt to connect may take."""

IDLE_SECONDS = 15
"""A transaction whose process does nothing for so long (it is frozen, its machine asleep) is rolled back: what it has
locked is locked for all others, too, and would keep them from ending its jobs."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Database:
    """A pool of connections, or (when bound) the one connection whose open transaction everybody joins."""

    engine: AsyncEngine
    url: str
    readers: Together
    single_writers: Together
    writers: Together
    changes: Changes
    looks: Looks
    joined: Connection | None = None

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 20) -> "Database":
        """Make the pool; nothing is connected before the first use. ``url`` is a libpq URL (``postgresql://...``)."""
        settings = {
            **SERVER_SETTINGS,
            "application_name": "strongroom",
            "jit": "off",
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
        }
        # The driver reads the URL, as it does for the queue: SQLAlchemy knows nothing of sslmode and its like.
        # A server that dies leaves its socket behind for a moment: who connects then would wait for a minute.
        connect = partial(
            asyncpg.connect,
            url,
            timeout=CONNECT_SECONDS,
            connection_class=WatchedConnection,
            server_settings=settings,
        )
        engine = create_async_engine(
            "postgresql+asyncpg://",
            async_creator=connect,
            pool_size=pool_size,
            # What overflows is closed again at once, and each new connection asks the server for its types.
            max_overflow=0,
            # Values would stand in logs and tracebacks otherwise: names, paths, hashes.
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
        )
        event.listen(engine.sync_engine, "checkout", _refuse_closed)
        # SQLAlchemy begins no transactions: what only reads needs none, and the driver begins those that write.
        plain = engine.execution_options(isolation_level="AUTOCOMMIT")
        return cls(
            engine,
            url,
            readers=Together(plain.connect),
            single_writers=Together(plain.connect),
            writers=Together(partial(_writing, plain)),
            changes=Changes(connect),
            looks=Looks(plain.connect),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.changes.close()
        await self.looks.close()
        for waiting in (self.readers, self.single_writers, self.writers):
            await waiting.close()
        await self.engine.dispose()

    def bound(self, connection: Connection) -> "Database":
        """The same database, with every transaction joining the one open on ``connection``."""
        return replace(self, joined=connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A transaction that commits at the end of the block and rolls back on an error; joins an open one."""
        if self.joined is not None:
            yield self.joined
            return
        async with self.writers.opened() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for statements that change nothing."""
        if self.joined is not None:
            yield self.joined
            return
        async with self.readers.opened() as connection:
            yield connection

    async def read_together(self, deed: Deed[Asked, Answer], asked: Asked) -> Answer:
        """Read one of many, in one statement with all who read the same way now. ``deed`` is a module's function."""
        if self.joined is not None:
            return (await deed(self.joined, [asked]))[0]
        return await self.readers.do(deed, asked)

    async def write_together(self, deed: Deed[Asked, Answer], asked: Asked) -> Answer:
        """Write in one transaction with all who write the same way now; joins an open transaction instead."""
        return await self._written(self.writers, deed, asked)

    async def write_at_once(self, deed: Deed[Asked, Answer], asked: Asked) -> Answer:
        """Do the same by a deed of one statement, which is a transaction by itself."""
        return await self._written(self.single_writers, deed, asked)

    async def _written(self, together: Together, deed: Deed[Asked, Answer], asked: Asked) -> Answer:
        if self.joined is not None:
            return (await deed(self.joined, [asked]))[0]
        return await together.do(deed, asked)


async def driver(connection: Connection) -> Any:
    """The asyncpg connection below a SQLAlchemy connection, inside its open transaction."""
    return (await connection.get_raw_connection()).driver_connection


@asynccontextmanager
async def _writing(plain: AsyncEngine) -> AsyncIterator[Connection]:
    try:
        async with plain.connect() as connection, (await driver(connection)).transaction():
            yield connection
    except (DBAPIError, asyncpg.PostgresError) as error:
        if is_full(error):
            _log.error("database_full", error=str(error))
            raise StorageFull from error
        raise


def _refuse_closed(connection: Any, _record: Any, _proxy: Any) -> None:
    """Have the pool make a new connection for one whose server has died. A ping would say the same in three trips."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
