"""A real server, started by its command: what tests say about it and its processes."""

import os
import pwd
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.conftest import PASSWORD, prepared_database

DEADLINE = 90.0
CLUSTERS = Path("/var/lib/strongroom")  # where root keeps the databases of directories that are closed to others
Starting = Callable[..., "Running"]


@dataclass(frozen=True)
class Running:
    """A ``strongroom serve`` that has said that it is ready."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path
    log: "Log"

    def get(self, path: str) -> tuple[int, bytes]:
        """One HTTPS request of a client that trusts the local CA alone."""
        trust = ssl.create_default_context(cafile=self.data_dir / "tls" / "ca.pem") if "https" in self.url else None
        with urllib.request.urlopen(self.url + path, context=trust, timeout=DEADLINE) as reply:
            return reply.status, reply.read()

    def family(self) -> list[psutil.Process]:
        """Every process that lives for this server, its PostgreSQL included."""
        return psutil.Process(self.process.pid).children(recursive=True)

    def children(self, role: str) -> list[psutil.Process]:
        """Its child processes of a role: ``_web`` or ``_worker``."""
        found = psutil.Process(self.process.pid).children()
        return [child for child in found if role in _arguments(child)]

    def postmasters(self) -> list[psutil.Process]:
        """Its PostgreSQL's main process."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if child.name() == "postgres"]

    def watchers(self) -> list[psutil.Process]:
        """The process that stops its PostgreSQL when the server is gone."""
        children = psutil.Process(self.process.pid).children()
        return [child for child in children if any(part.endswith("/watcher.py") for part in _arguments(child))]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE)


def environment(**changed: str) -> dict[str, str]:
    """The environment for a server of a test: nothing of the tester's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("STRONGROOM_")}
    return kept | changed


def launch(
    *options: object, user: pwd.struct_passwd | None = None, under: Sequence[str] = (), **changed: str
) -> subprocess.Popen[str]:
    """Start ``strongroom serve`` with these options, as another user if one is given, ``under`` another program."""
    arguments = ["-m", "strongroom", "serve", "--port", "0", *map(str, options)]
    pipe = subprocess.PIPE
    if user is None:
        command = [*under, sys.executable, *arguments]
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd="/", env=environment(**changed))
    changed["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    return subprocess.Popen(
        [_python_for(user), *arguments],
        stdout=pipe,
        stderr=pipe,
        text=True,
        cwd="/",
        env=environment(**changed),
        user=user.pw_uid,
        group=user.pw_gid,
        extra_groups=[],
    )


class Log:
    """What a process writes to standard error, read as it comes: a full pipe would make a talkative server wait."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stderr
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._lines.extend, args=(process.stderr,), daemon=True)
        self._reader.start()

    def whole(self) -> str:
        """All of it, once the process has ended."""
        self._reader.join(DEADLINE)
        return self.so_far()

    def so_far(self) -> str:
        """What there is of it by now."""
        return "".join(self._lines)


@contextmanager
def serving(process: subprocess.Popen[str], data_dir: Path, *, keep: bool = False) -> Iterator[Running]:
    """Wait for the ready line of a launched server; it is stopped, and its database removed unless kept, at the end."""
    log = Log(process)
    assert process.stdout
    assert process.stderr
    try:
        line = process.stdout.readline()
        if not line.startswith("ready "):
            pytest.fail(f"no ready line but {line!r}: {log.whole()}")
        yield Running(process, line.removeprefix("ready ").strip().rstrip("/"), data_dir, log)
    finally:
        process.terminate()
        process.wait(DEADLINE)
        log.whole()
        process.stdout.close()
        process.stderr.close()
        if not keep:
            clear_cluster(data_dir)


@contextmanager
def shared_server(postgres_url: str, *options: object) -> Iterator[Running]:
    """A server for several tests, on a prepared database of the run's own PostgreSQL."""
    with open_place() as place, prepared_database(postgres_url) as url:
        data_dir = with_password(place / "data")
        with serving(launch("--data-dir", data_dir, "--database-url", url, *options), data_dir) as running:
            yield running


def with_password(data_dir: Path) -> Path:
    """Make a data directory for a prepared database: whoever logs in finds the password where a first start puts it."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    (data_dir / "admin-password").write_text(PASSWORD)
    return data_dir


def clear_cluster(data_dir: Path) -> None:
    """Remove the database that root keeps elsewhere for a data directory."""
    if (data_dir / "postgres.id").exists():
        shutil.rmtree(CLUSTERS / (data_dir / "postgres.id").read_text().strip(), ignore_errors=True)


@contextmanager
def open_place() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="strongroom-test-")).resolve()
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _python_for(user: pwd.struct_passwd) -> str:
    """An interpreter of our version that the user may run: ours often lies in somebody's closed home."""
    for path in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        try:
            subprocess.run([path, "-c", ""], user=user.pw_uid, group=user.pw_gid, extra_groups=[], cwd="/", check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return path
    pytest.skip(f"the user {user.pw_name} can run no Python of this version")


def _arguments(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:  # it ends just now
        return []
