"""What the tests stand on: a real PostgreSQL that the whole run shares, and a fresh database for each test."""

import asyncio
import importlib.util
import os
import secrets
import shutil
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncpg
import pytest
import structlog
from anyio.from_thread import start_blocking_portal
from argon2 import PasswordHasher

from strongroom import kinds
from strongroom.config import Settings
from strongroom.engine import worker
from strongroom.main.preparation import prepare
from strongroom.main.vault import open_vault
from strongroom.sdk import load
from strongroom.services import users
from strongroom.store.embedded import EmbeddedPostgres
from strongroom.vault import Vault

ADMIN = "admin@localhost"
PASSWORD = "a password for tests"
MEMORY = Path("/dev/shm")
ENOUGH_MEMORY = 2 * 1024**3


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def plain_log() -> None:
    """Tracebacks as a server writes them: drawn with all variables, which is the library's way, they take long."""
    render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[structlog.processors.add_log_level, structlog.dev.set_exc_info, render])


@pytest.fixture(scope="session", autouse=True)
def no_vain_search() -> None:
    """httpcore looks for sniffio four times in a request: where it is not installed, that is a quarter of all."""
    if importlib.util.find_spec("sniffio") is None:
        sys.modules["sniffio"] = None  # type: ignore[assignment]  # Python knows that it is not there


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[str]:
    """One server for each process of the run, without fsync: what is tested for durability starts its own."""
    with EmbeddedPostgres(_place_of_databases(tmp_path_factory), ephemeral=True) as postgres:
        url = postgres.start().url
        asyncio.run(_make_template(url, tmp_path_factory.mktemp("template")))
        yield url


@pytest.fixture
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """The URL of a prepared database that nobody else uses."""
    async with _database(postgres_url, "prepared") as url:
        yield url


@pytest.fixture
async def empty_database_url(postgres_url: str) -> AsyncIterator[str]:
    """The URL of a database without tables."""
    async with _database(postgres_url, "template0") as url:
        yield url


@contextmanager
def prepared_database(postgres_url: str) -> Iterator[str]:
    """What ``database_url`` gives, for as long as the block lasts: for what several tests share."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(_database(postgres_url, "prepared")) as url,
    ):
        yield url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=database_url, limits="off")


@pytest.fixture
async def system_vault(settings: Settings) -> AsyncIterator[Vault]:
    """A Vault as the system user sees it."""
    async with open_vault(settings) as vault:
        yield vault


@pytest.fixture
async def vault(system_vault: Vault) -> Vault:
    """A Vault as its admin sees it."""
    admin = await users.find(system_vault, ADMIN)
    assert admin is not None
    return system_vault.as_user(admin)


@pytest.fixture
async def running_worker(system_vault: Vault) -> AsyncIterator[None]:
    """A worker in this process, which takes every job that the test starts."""
    stop = asyncio.Event()
    identity = "00000000-0000-4000-8000-000000000001"
    working = asyncio.create_task(worker.run(system_vault, load(kinds), worker_id=identity, stop=stop))
    yield
    stop.set()
    await working


def _place_of_databases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In memory, if there is enough: nearly each test has a database made, and copying files is most of that."""
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH_MEMORY:
        return MEMORY / f"strongroom-test-{secrets.token_hex(6)}"  # made by the server, and removed by it at the end
    return tmp_path_factory.mktemp("postgres")


@asynccontextmanager
async def _database(server_url: str, template: str) -> AsyncIterator[str]:
    name = f"test_{secrets.token_hex(6)}"
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute("SET file_copy_method = clone")
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield server_url.replace("/strongroom?", f"/{name}?")
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


async def _make_template(url: str, data_dir: Path) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE DATABASE prepared")
    finally:
        await connection.close()
    template = url.replace("/strongroom?", "/prepared?")
    await prepare(Settings(data_dir=data_dir, database_url=template, admin_user=ADMIN, admin_password=PASSWORD))
    await _made_fit(template)


async def _made_fit(url: str) -> None:
    """Take the Vault's own jobs out: the time of one could come in the middle of any test. Their tests make them.

    And have the admin's password hashed quickly: each test that logs in would take a tenth of a second longer.
    """
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("UPDATE users SET password_hash = $1 WHERE name = $2", quick, ADMIN)
        await connection.execute(
            "TRUNCATE jobs, job_definitions, job_metadata RESTART IDENTITY CASCADE; TRUNCATE job_hour_counts"
        )
    finally:
        await connection.close()
