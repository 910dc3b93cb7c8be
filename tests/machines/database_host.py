"""A PostgreSQL that listens on the network, as a site runs one beside Strongroom."""

import asyncio
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
from tests.server.serving import DEADLINE
from tests.store.embedded_servers import postgres_user

from strongroom.store.embedded.binaries import find_binaries

PASSWORD = "a-long-secret"  # as in the guide
GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "more-machines.md"
_NETWORK = "10.77.0.0/24"


@dataclass
class PostgresHost:
    """PostgreSQL at port 5432 of a host, which ``under`` puts it on; it can be stopped and started again."""

    folder: Path
    under: Callable[[tuple[int, int]], list[str]]
    reached_at: int
    """The port of the test's own network that leads to it."""
    process: subprocess.Popen[bytes] | None = field(default=None)

    def url(self, host: str, port: int = 5432) -> str:
        """Where a host of that name reaches it."""
        return f"postgresql://strongroom:{PASSWORD}@{host}:{port}/strongroom?sslmode=prefer"

    def make(self) -> None:
        """Make the cluster, which asks everybody for a password, and start it.

        The user and the database in it are made as the guide says.
        """
        user = postgres_user()
        os.chown(self.folder, user.uid, user.gid)
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        os.chown(secret, user.uid, user.gid)
        flags: list[str | Path] = ["-U", "postgres", "--auth=scram-sha-256", "--pwfile", secret]
        command: list[str | Path] = [self._binaries() / "initdb", "-D", self.folder / "data", "--no-sync", *flags]
        subprocess.run(command, check=True, capture_output=True, cwd="/", user=user.uid, group=user.gid)
        (self.folder / "data" / "pg_hba.conf").write_text(f"host all all {_NETWORK} scram-sha-256\n")
        self.start()
        asyncio.run(self._follow_the_guide())

    def start(self) -> None:
        """Start it and wait until it answers."""
        user = postgres_user()
        options = ["listen_addresses=*", "port=5432", "unix_socket_directories=", "fsync=off"]
        command: list[str | Path] = [self._binaries() / "postgres", "-D", self.folder / "data"]
        command += [part for option in options for part in ("-c", option)]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.under((user.uid, user.gid)), *command], stdout=log, stderr=log, cwd="/"
            )
        asyncio.run(self._answers())

    def stop(self) -> None:
        """Stop it as an administrator would: whoever is connected is thrown out."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(DEADLINE)
            self.process = None

    async def _answers(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await (await self._administrator()).close()
                return
            assert time.monotonic() < deadline, (self.folder / "log").read_text()
            await asyncio.sleep(0.05)

    async def _follow_the_guide(self) -> None:
        (shown,) = re.findall(r"^```sql\n(.*?)^```", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
        connection = await self._administrator()
        for statement in shown.rstrip(";\n").split(";\n"):
            await connection.execute(statement)
        await connection.close()

    async def _administrator(self) -> asyncpg.Connection:
        url = f"postgresql://postgres:{PASSWORD}@127.0.0.1:{self.reached_at}/postgres?sslmode=prefer"
        return await asyncpg.connect(url, timeout=5)

    def _binaries(self) -> Path:
        return find_binaries(None, postgres_user()).folder
