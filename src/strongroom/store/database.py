"""The connection to PostgreSQL: pools, transactions, and the driver's own connection for hot statements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

Connection = AsyncConnection

CONNECT_SECONDS = 3.0
"""How long an attempt to connect may take."""


@dataclass(frozen=True)
class Database:
    """A pool of connections, or (when bound) the one connection whose open transaction everybody joins."""

    engine: AsyncEngine
    url: str
    joined: Connection | None = None

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 10) -> "Database":
        """Make the pool; nothing is connected before the first use. ``url`` is a libpq URL (``postgresql://...``)."""
        engine = create_async_engine(
            make_url(url).set(drivername="postgresql+asyncpg"),
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            # Values would stand in logs and tracebacks otherwise: names, paths, hashes.
            hide_parameters=True,
            json_serializer=_to_json,
            json_deserializer=msgspec.json.decode,
            # A server that dies leaves its socket behind for a moment: who connects then would wait for a minute.
            connect_args={
                "timeout": CONNECT_SECONDS,
                "server_settings": {"application_name": "strongroom", "jit": "off"},
            },
        )
        return cls(engine, url)

    async def close(self) -> None:
        """Close every connection of the pool."""
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
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Connection]:
        """A connection for statements that change nothing."""
        if self.joined is not None:
            yield self.joined
            return
        async with self.engine.connect() as connection:
            yield connection


async def driver(connection: Connection) -> Any:
    """The asyncpg connection below a SQLAlchemy connection, inside its open transaction."""
    raw = await connection.get_raw_connection()
    return raw.driver_connection


def is_passing(error: BaseException) -> bool:
    """Whether an error speaks of a database that is away for a moment, not of what was asked of it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return isinstance(error, ConnectionError | TimeoutError)


def _to_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
