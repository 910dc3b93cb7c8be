"""The servers that are measured, each started for real: Strongroom, PostgreSQL, Redis, any Python program."""

import asyncio
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import asyncpg
import httpx
import psutil
import uvloop

from strongroom.store.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent
PEERS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
"""The interpreter that the peers are installed for: they are no dependencies of Strongroom's."""


@dataclass(frozen=True)
class Strongroom:
    """A running server, and a session of its admin."""

    process: psutil.Process
    url: str
    data_dir: Path
    session: str

    @property
    def base(self) -> str:
        """Where its API is."""
        return f"{self.url}/api/v26.1"

    def children(self, role: str) -> list[psutil.Process]:
        """Its processes of a role: ``_web`` or ``_worker``."""
        return [child for child in self.process.children() if role in child.cmdline()]

    def client(self) -> httpx.Client:
        """A client with the session."""
        return httpx.Client(base_url=self.base, headers={"Authorization": self.session}, timeout=600)

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of its own PostgreSQL, beside which this process stands as a second owner for a while."""
        with EmbeddedPostgres(self.data_dir) as postgres:
            yield postgres.start().url


@contextmanager
def strongroom(*options: str) -> Iterator[Strongroom]:
    """A server without TLS and limits in a folder of its own; its PostgreSQL is the durable one that it starts."""
    with open_folder() as data_dir:
        command = ["serve", "--port", "0", "--no-tls", "--limits", "off", "--data-dir", data_dir, *options]
        with serving(*command) as (process, url):
            form = {"username": "admin@localhost", "password": (data_dir / "admin-password").read_text().strip()}
            session = httpx.post(f"{url}/api/v26.1/auth", data=form, timeout=60).json()["sessionId"]
            yield Strongroom(process, url, data_dir, session)


@contextmanager
def serving(*command: object) -> Iterator[tuple[psutil.Process, str]]:
    """A ``strongroom`` command that says ``ready URL``, until the block ends; gives its process and that URL."""
    process = subprocess.Popen(
        [sys.executable, "-m", "strongroom", *map(str, command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = next((line for line in process.stdout if line.startswith("ready ")), "")
        assert line, f"it has ended: {command}"
        yield psutil.Process(process.pid), line.removeprefix("ready ").strip().rstrip("/")
    finally:
        process.terminate()
        process.wait(120)


@contextmanager
def python(
    *arguments: object, peers: bool = False, ready: int | None = None, environment: dict[str, str] | None = None
) -> Iterator[psutil.Process]:
    """A Python program, of ours or of the peers, for as long as the block runs; it answers on port ``ready``."""
    process = subprocess.Popen(
        _command(arguments, peers=peers),
        cwd=ROOT,
        env=os.environ | (environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=None if os.environ.get("BENCHMARK_LOUD") else subprocess.DEVNULL,
    )
    try:
        if ready is not None:
            wait_for_port(ready)
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask_python(*arguments: object, peers: bool = False, environment: dict[str, str] | None = None) -> str:
    """Run a Python program to its end; gives what it has printed."""
    command, changed = _command(arguments, peers=peers), os.environ | (environment or {})
    ended = subprocess.run(command, cwd=ROOT, env=changed, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL as a server of Strongroom has it, durable; gives the URL of a database."""
    with open_folder() as folder, EmbeddedPostgres(folder) as server:
        yield server.start().url


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder for a while that every user may enter.

    The PostgreSQL of root runs as another user: what that one cannot enter would be kept elsewhere, and stay there.
    """
    with tempfile.TemporaryDirectory(prefix="strongroom-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def new_database(url: str) -> str:
    """Make a database beside another one; gives its URL."""
    name = f"bench_{secrets.token_hex(4)}"
    sql(url, f"CREATE DATABASE {name}")
    return url.replace("/strongroom?", f"/{name}?")


def sql(url: str, statement: str, *values: object) -> object:
    """Run one statement; gives the first value of its first row."""
    with Asking(url) as ask:
        return ask(statement, *values)


class Asking:
    """A connection that is kept for questions which are asked often; called with one, it gives the first value."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
        self._connection: asyncpg.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._runner.run(self._connection.close())
        self._runner.close()

    def __call__(self, statement: str, *values: object) -> object:
        if self._connection is None:
            self._connection = self._runner.run(asyncpg.connect(self.url))
        return self._runner.run(self._connection.fetchval(statement, *values, timeout=900))

    def count(self, statement: str, *values: object) -> int:
        """The same for a number."""
        number = self(statement, *values)
        assert isinstance(number, int), statement
        return number


@contextmanager
def redis(fsync: str = "always") -> Iterator["Redis"]:
    """A Redis that has each change on the disk before it answers, as PostgreSQL has, or (``everysec``) soon after."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="redis-bench-") as folder:
        options = {"--port": port, "--dir": folder, "--save": "", "--appendonly": "yes", "--appendfsync": fsync}
        command = [str(PEERS_PYTHON.parent / "redis-server"), *(str(word) for pair in options.items() for word in pair)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for_port(port)
            yield Redis(port)
        finally:
            process.terminate()
            process.wait(30)


@dataclass(frozen=True)
class Redis:
    """A running Redis; two of its databases are used: 0 for messages, 1 for results."""

    port: int

    @property
    def url(self) -> str:
        """Where it is, without the number of a database."""
        return f"redis://127.0.0.1:{self.port}"

    def clear(self) -> None:
        """Forget everything."""
        assert self._ask("FLUSHALL").startswith(b"+OK")

    def results(self) -> int:
        """How many results there are."""
        return int(self._ask("SELECT 1", "DBSIZE").rpartition(b":")[2])

    def _ask(self, *commands: str) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            answer = b""
            connection.sendall("".join(f"{command}\r\n" for command in commands).encode())
            while answer.count(b"\r\n") < len(commands):
                answer += connection.recv(4096)
        return answer


def free_port() -> int:
    """A port that nobody uses."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def wait_for_port(port: int, seconds: float = 60) -> None:
    """Wait until somebody answers on a port."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _command(arguments: tuple[object, ...], *, peers: bool) -> list[str]:
    return [str(PEERS_PYTHON) if peers else sys.executable, *map(str, arguments)]
