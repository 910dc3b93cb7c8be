"""A Vault without a server: its services are called from this process, as its admin."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import uvloop
from benchmarks.servers import new_database

from strongroom.config import Settings
from strongroom.main.preparation import prepare
from strongroom.main.vault import open_vault
from strongroom.services import users
from strongroom.vault import Vault

PASSWORD = "a password for benchmarks"
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Prepared:
    """The place of a Vault that has been made ready."""

    url: str
    data_dir: Path

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Vault]:
        """The Vault as its admin sees it."""
        settings = Settings(database_url=self.url, data_dir=self.data_dir, limits="off")
        async with open_vault(settings) as vault:
            admin = await users.find(vault, settings.admin_user)
            assert admin is not None
            yield vault.as_user(admin)

    def do(self, deed: Callable[[Vault], Awaitable[Answer]]) -> Answer:
        """Open the Vault for one deed."""

        async def run() -> Answer:
            async with self.opened() as vault:
                return await deed(vault)

        return uvloop.run(run())


@contextmanager
def prepared(server_url: str) -> Iterator[Prepared]:
    """A new Vault on a running PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="vault-bench-") as folder:
        url, data_dir = new_database(server_url), Path(folder)
        uvloop.run(prepare(Settings(database_url=url, data_dir=data_dir, admin_password=PASSWORD)))
        yield Prepared(url, data_dir)
