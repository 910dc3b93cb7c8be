"""Strongroom on several hosts: two with ``serve``, two with ``worker``, one with the database and the object store."""

import asyncio
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncpg
from tests.machines.database_host import PostgresHost
from tests.machines.hosts import Network, network
from tests.machines.kinds_of_tests.slow import Slow, SlowInput
from tests.server.serving import DEADLINE, Log, Running, environment, launch, open_place, serving
from tests.store.object_store import BUCKET, ObjectStore, at_endpoint

from strongroom.config import Settings
from strongroom.main.vault import open_vault
from strongroom.services import jobs, users

HERE = Path(__file__).parent
HOSTS = ("switchman", "db", "web1", "web2", "work1", "work2")
WEB, WORK = ("web1", "web2"), ("work1", "work2")
ADMIN_PASSWORD = "a password for the admin"
LONG = 600  # seconds


@dataclass(frozen=True)
class Worker:
    """A ``strongroom worker`` that has said that it is ready."""

    process: subprocess.Popen[str]
    log: Log

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


@dataclass
class Site:
    """The whole of it. What a test takes away, it brings back."""

    network: Network
    place: Path
    ports: dict[str, int]
    """Ports of the test's own network: ``web1``, ``web2``, ``balancer``, ``db``, ``store``."""
    postgres: PostgresHost
    web: dict[str, Running] = field(default_factory=dict)
    workers: dict[str, Worker] = field(default_factory=dict)
    ends: ExitStack = field(default_factory=ExitStack)

    def at(self, name: str) -> Running:
        """A server as a client reaches it: ``web1``, ``web2`` or ``balancer``."""
        return replace(self.web[name if name in self.web else "web1"], url=f"https://localhost:{self.ports[name]}")

    def serve(self, host: str) -> None:
        """Start ``strongroom serve`` on a host, and wait until it is ready."""
        launched = self.launch(host)
        self.web[host] = self.ends.enter_context(serving(launched, self.data_dir(host)))

    def launch(self, host: str) -> subprocess.Popen[str]:
        """Start ``strongroom serve`` on a host."""
        options = ("--data-dir", self.data_dir(host), "--host", "0.0.0.0", "--port", 8443, "--workers", 0)
        return launch(*options, under=self.network.inside(host), **self.surroundings())

    def work(self, host: str, *, drain_seconds: float = LONG) -> None:
        """Start ``strongroom worker`` on a host, and wait until it is ready."""
        self.workers[host] = self.ends.enter_context(_working(self.launch_worker(host, drain_seconds)))

    def launch_worker(self, host: str, drain_seconds: float = LONG) -> subprocess.Popen[str]:
        """Start ``strongroom worker`` on a host."""
        options = ["--slots", 2, "--drain-seconds", drain_seconds]
        command = [sys.executable, HERE / "strongroom_with_slow.py", "worker", *options]
        return subprocess.Popen(
            [*self.network.inside(host), *map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            env=environment(**self.surroundings(), HOST_OF_TESTS=host, STRONGROOM_DATA_DIR=str(self.data_dir(host))),
        )

    def data_dir(self, host: str) -> Path:
        """The data directory of a host."""
        return self.place / host

    def surroundings(self) -> dict[str, Any]:
        """The settings that all hosts share, as their environment: some are secrets."""
        db = self.network.addresses["db"]
        shared = {"STRONGROOM_DATABASE_URL": self.postgres.url(db), "STRONGROOM_BLOBS": f"s3://{BUCKET}/here"}
        shared["STRONGROOM_ADMIN_PASSWORD"] = ADMIN_PASSWORD
        return shared | at_endpoint(f"http://{db}:9000")

    def start_slow(self, tasks: int, **seconds: float) -> int:
        """Start a job of so many tasks, each of which lasts so long on which host; gives its id."""

        async def start() -> int:
            url = self.postgres.url("127.0.0.1", self.ports["db"])
            settings = Settings(data_dir=self.place / "tester", database_url=url)
            async with open_vault(settings) as vault:
                admin = await users.find(vault, "admin@localhost")
                assert admin is not None
                return (await jobs.start(vault.as_user(admin), Slow(), SlowInput(tasks, seconds))).id

        return asyncio.run(start())

    def status(self, job_id: int | str) -> str:
        """A job's status, read past the limits of the API."""
        return str(self.fetch("SELECT status FROM jobs WHERE id = $1", int(job_id))[0]["status"])

    def log_of(self, job_id: int) -> list[str]:
        """A job's log."""
        return [row["text"] for row in self.fetch("SELECT text FROM job_log WHERE job_id = $1 ORDER BY id", job_id)]

    def hosts_of(self, job_id: int) -> list[str]:
        """Which host each task of a job has ended on."""
        rows = self.fetch("SELECT output->>'host' AS host FROM job_tasks WHERE job_id = $1 ORDER BY number", job_id)
        return [row["host"] for row in rows]

    def fetch(self, statement: str, *values: object) -> list[Any]:
        """Ask the database; it may be away for a while."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.postgres.url("127.0.0.1", self.ports["db"]), timeout=5)
            try:
                return list(await connection.fetch(statement, *values))
            finally:
                await connection.close()

        deadline = time.monotonic() + DEADLINE
        while True:
            try:
                return asyncio.run(ask())
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                assert time.monotonic() < deadline, "the database does not answer"
                time.sleep(0.05)


@contextmanager
def site() -> Iterator[Site]:
    """Everything, running; the two servers are started at the same moment, on an empty database."""
    with network(HOSTS) as hosts, open_place() as place, ExitStack() as ends:
        ports = ends.enter_context(_relay(hosts))
        database = PostgresHost(place / "postgres", lambda user: hosts.inside("db", user), ports["db"])
        store = ObjectStore("0.0.0.0", 9000, hosts.inside("db"))
        ends.callback(store.stop)
        database.folder.mkdir()
        ends.callback(database.stop)
        database.make()
        store.make_bucket(f"http://127.0.0.1:{ports['store']}")
        made = Site(hosts, place, ports, database)
        ends.enter_context(made.ends)
        _share_authority(made)
        launched = {host: made.launch(host) for host in WEB}
        for host in WEB:
            made.web[host] = made.ends.enter_context(serving(launched[host], made.data_dir(host)))
        for host, launched_worker in {host: made.launch_worker(host) for host in WORK}.items():
            made.workers[host] = made.ends.enter_context(_working(launched_worker))
        yield made


def wait_until(met: Callable[[], bool], seconds: float = DEADLINE) -> float:
    """Wait until something is so; gives how many seconds that took."""
    began = time.monotonic()
    while not met():
        assert time.monotonic() < began + seconds, "it has not come true in time"
        time.sleep(0.05)
    return time.monotonic() - began


@contextmanager
def _working(process: subprocess.Popen[str]) -> Iterator[Worker]:
    log = Log(process)
    assert process.stdout
    try:
        assert process.stdout.readline() == "ready\n", log.whole()
        yield Worker(process, log)
    finally:
        process.kill()
        process.wait(DEADLINE)
        log.whole()
        for pipe in (process.stdout, process.stderr):
            if pipe:
                pipe.close()


def _share_authority(made: Site) -> None:
    """Give both servers one certificate authority, as the guide says; and the tests' client the admin's password."""
    first, second = (made.data_dir(host) for host in WEB)
    command = [sys.executable, "-m", "strongroom", "trust", "--path", "--data-dir", str(first)]
    subprocess.run(command, check=True, capture_output=True, env=environment())
    second.mkdir(mode=0o700)
    shutil.copytree(first / "tls", second / "tls")
    for data_dir in (first, second):
        (data_dir / "admin-password").write_text(ADMIN_PASSWORD)


@contextmanager
def _relay(hosts: Network) -> Iterator[dict[str, int]]:
    """Ports of our network that lead to the hosts'; the one of the balancer leads to both servers in turn."""
    db, web1, web2 = (hosts.addresses[name] for name in ("db", *WEB))
    targets = {"db": f"{db}:5432", "store": f"{db}:9000", "web1": f"{web1}:8443", "web2": f"{web2}:8443"}
    targets["balancer"] = f"{web1}:8443,{web2}:8443"
    listeners = {name: socket.create_server(("127.0.0.1", 0), backlog=100) for name in targets}
    arguments = [f"{listeners[name].fileno()}={target}" for name, target in targets.items()]
    process = subprocess.Popen(
        [*hosts.inside("switchman"), sys.executable, HERE / "relay.py", *arguments],
        pass_fds=[listener.fileno() for listener in listeners.values()],
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout
        assert process.stdout.readline() == b"ready\n"
        yield {name: listener.getsockname()[1] for name, listener in listeners.items()}
    finally:
        process.kill()
        process.communicate()
        for listener in listeners.values():
            with suppress(OSError):
                listener.close()
