"""Servers of the bundled PostgreSQL: what their tests start, ask and wait for."""

import asyncio
import json
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import asyncpg
import psutil

from strongroom.store.embedded import Server
from strongroom.store.embedded.account import Account

ROOT = os.geteuid() == 0
DEADLINE = 90.0
OWNER = """
import json, os, sys
from pathlib import Path
from strongroom.store.embedded import EmbeddedPostgres
data, binaries, ephemeral = sys.argv[1:]
postgres = EmbeddedPostgres(Path(data), postgres_bin=Path(binaries) if binaries else None, ephemeral=ephemeral == "yes")
server = postgres.start()
print(json.dumps([os.getpid(), server.url, str(server.data), server.pid]), flush=True)
if sys.stdin.readline() == "stop\\n":
    postgres.stop()
"""


class Owner:
    """Another process that owns a server."""

    def __init__(self, data: Path, *, binaries: Path | None = None, ephemeral: bool = False) -> None:
        command = [sys.executable, "-c", OWNER, str(data), str(binaries or ""), "yes" if ephemeral else ""]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def server(self) -> Server:
        assert self.process.stdout is not None
        _, url, data, pid = json.loads(self.process.stdout.readline())
        return Server(url, Path(data), pid)

    def watcher(self) -> psutil.Process:
        children = psutil.Process(self.process.pid).children()
        (watcher,) = [child for child in children if any("watcher.py" in part for part in child.cmdline())]
        return watcher

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def stop(self) -> None:
        self.process.communicate("stop\n", timeout=DEADLINE)
        assert self.process.returncode == 0


def fetch(server: Server, statement: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(server.url)
        try:
            value: object = await connection.fetchval(statement)
            return value
        finally:
            await connection.close()

    return asyncio.run(ask())


def wait_until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not met():
        assert time.monotonic() < deadline, "it has not come true in time"
        time.sleep(0.01)


def is_dead(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def socket_dir(server: Server) -> Path:
    return Path(server.url.partition("host=")[2].partition("&")[0])


def postgres_user() -> Account:
    nobody = pwd.getpwnam("nobody")
    return Account(nobody.pw_uid, nobody.pw_gid, switch=True) if ROOT else Account(os.geteuid(), os.getegid(), False)
