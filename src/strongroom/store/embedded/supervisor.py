"""The owner's side: start or adopt the server of a data directory, keep it running, stop it."""

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from strongroom.store.embedded import watcher
from strongroom.store.embedded.abandoned import note
from strongroom.store.embedded.account import Account, EmbeddedPostgresError, environment
from strongroom.store.embedded.binaries import find_binaries
from strongroom.store.embedded.cluster import DATABASE, ROLE, Cluster, check_version, locate, make
from strongroom.store.embedded.postmaster import PORT, Ready, boot, run_dir_of, take_running, wait_ready


@dataclass(frozen=True)
class Server:
    """A running PostgreSQL: the URL to connect to (superuser, Unix socket), its cluster folder, its process id."""

    url: str
    data: Path
    pid: int


@dataclass(frozen=True)
class _Stake:
    """What ends with this process, and so tells the others that it is gone."""

    owners: int  # an open file with our share of the owners' lock
    line: int  # our end of the pipe to the watcher
    watcher: subprocess.Popen[bytes]


class EmbeddedPostgres:
    """The PostgreSQL of a data directory. Several owners, in one process or many, share one server.

    The server is stopped by the last owner that stops or dies. An owner must not ``fork`` without ``exec`` (a child
    made so would count as a living owner); ``subprocess`` and ``multiprocessing``'s spawn are fine. Not thread-safe.
    """

    def __init__(self, data_dir: Path, *, postgres_bin: Path | None = None, ephemeral: bool = False) -> None:
        """Name the data directory; ``ephemeral``: remove the cluster at stop, and never wait for the disk."""
        self._given = data_dir
        self._bin = postgres_bin
        self._durable = not ephemeral
        self._leave = watcher.REMOVE if ephemeral else watcher.KEEP
        self._cluster: Cluster | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._stake: _Stake | None = None
        self._server: Server | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> Server:
        """Return the running server: adopted when it lives, else started, on a new cluster the first time."""
        if self._server and self.is_running() and self.is_watched():
            return self._server
        self._server = None
        with _explained(self._given):
            data_dir = self._data_dir()
            deed = self._take_deed(data_dir)
            try:
                self._server = self._start(data_dir)
                return self._server
            finally:
                os.close(deed)
                if self._server is None:
                    self._give_up_stake(watcher.CLEAR)  # the watcher clears away what was begun
                    self._forget_process()

    def ensure(self) -> Server:
        """Return the running server; a postmaster (or watcher) that died is replaced, at the same URL."""
        return self.start()

    def is_running(self) -> bool:
        """Tell whether the server that ``start`` returned lives."""
        if self._server is None:
            return False
        if self._process:
            self._process.poll()  # else a dead child of ours stays a zombie
        return watcher.server_pid(self._server.data) == self._server.pid

    def is_watched(self) -> bool:
        """Tell whether the process lives that stops the server when we are gone."""
        return self._stake is not None and self._stake.watcher.poll() is None

    def stop(self) -> None:
        """Stop the server, unless another owner lives, and wait for its end. Does nothing when it is not ours."""
        if self._server is None or self._cluster is None:
            return
        cluster, stake, data_dir = self._cluster, self._stake, self._given.resolve()
        self._server = self._stake = self._cluster = None
        last_word = watcher.CLEAR  # what is left undone here
        try:
            if stake:
                os.close(stake.owners)
            with _explained(self._given):
                watcher.release(cluster.folder, run_dir_of(cluster), data_dir, self._leave)
            if not (data_dir / watcher.LOCKS).is_dir():
                self._interrupt()  # its files were removed under it, so it was not to be found by them
            last_word = watcher.DONE
        finally:
            if stake:
                _dismiss(stake, last_word)
            self._forget_process()

    def _data_dir(self) -> Path:
        if not self._given.exists():
            self._given.mkdir(parents=True, exist_ok=True)
            if self._leave != watcher.KEEP:
                self._leave = watcher.REMOVE_ALL
        return self._given.resolve()

    def _take_deed(self, data_dir: Path) -> int:
        while True:
            (data_dir / watcher.LOCKS).mkdir(mode=0o700, exist_ok=True)
            # The folder may vanish in between, with the ephemeral cluster of an owner that stops just now.
            with contextlib.suppress(FileNotFoundError):
                return watcher.take_deed(data_dir)

    def _start(self, data_dir: Path) -> Server:
        cluster = self._cluster or locate(data_dir)
        if not self.is_watched():
            self._give_up_stake(watcher.DONE)
            self._stake = _stake(cluster, data_dir, self._leave)  # before the server: it is never without a watcher
        self._cluster = cluster
        _share_locks(data_dir, cluster.account)
        ready = wait_ready(cluster, data_dir, None)
        while ready is None:
            ready = wait_ready(cluster, data_dir, self._boot(cluster, data_dir))
        if self._leave == watcher.KEEP:
            note(cluster.folder, data_dir)
        return Server(_url(ready), cluster.folder, ready.pid)

    def _boot(self, cluster: Cluster, data_dir: Path) -> subprocess.Popen[bytes] | None:
        binaries = find_binaries(self._bin, cluster.account)
        running = take_running(cluster, data_dir)
        if running is None:
            return None
        try:
            self._interrupt()  # the one that we had started: dead, or serving files that are no longer there
            if not cluster.exists:
                make(cluster, binaries, data_dir, running, durable=self._durable)
            check_version(cluster, binaries)
            self._process = boot(cluster, binaries, data_dir, running, durable=self._durable)
            return self._process
        finally:
            os.close(running)

    def _give_up_stake(self, last_word: bytes) -> None:
        stake, self._stake, self._cluster = self._stake, None, None
        if stake:
            os.close(stake.owners)
            _dismiss(stake, last_word)

    def _interrupt(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        self._process = None

    def _forget_process(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.returncode = 0  # it lives on for another owner: not ours to wait for any more
        self._process = None


def _stake(cluster: Cluster, data_dir: Path, leave: str) -> _Stake:
    owners = watcher.take_lock(data_dir / watcher.LOCKS / watcher.OWNERS, fcntl.LOCK_SH)
    reading, line = os.pipe()  # neither end is inherited: a child of ours must not keep the line open
    try:
        script = [sys.executable, "-I", "-S", watcher.__file__]
        command: list[str | Path] = [*script, str(os.getpid()), cluster.folder, run_dir_of(cluster), data_dir, leave]
        process = subprocess.Popen(  # noqa: S603 - our own script, no shell
            command,
            stdin=reading,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env=environment(),
            start_new_session=True,
        )
    except OSError:
        os.close(owners)
        os.close(line)
        raise
    finally:
        os.close(reading)
    return _Stake(owners, line, process)


def _dismiss(stake: _Stake, last_word: bytes) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(stake.line, last_word)
    os.close(stake.line)
    stake.watcher.wait()


def _share_locks(data_dir: Path, account: Account) -> None:
    # An ordinary user's directory that root has started: that user must be able to start it again.
    if account.switch and data_dir.stat().st_uid == account.uid:
        locks = data_dir / watcher.LOCKS
        for path in (locks, *locks.iterdir()):
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def _url(ready: Ready) -> str:
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(ready.socket_dir))}&port={PORT}"


@contextlib.contextmanager
def _explained(data_dir: Path) -> Iterator[None]:
    try:
        yield
    except BlockingIOError as error:
        raise EmbeddedPostgresError(
            f"Another process has been starting or stopping the database of {data_dir} for too long: end it."
        ) from error
    except OSError as error:
        where = error.filename or data_dir
        raise EmbeddedPostgresError(
            f"PostgreSQL cannot use {where} ({error.strerror}): correct that, or choose another --data-dir."
        ) from error
