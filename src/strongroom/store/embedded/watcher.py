"""Stops a server when its last owner has gone; run as a script it is the process that waits for that.

Standard library only and no import of ours: the watcher runs isolated (``python -I -S``) and stays small.

Three locks beside the cluster say who is there; the kernel drops them when a process dies, however it dies:
``deed`` is held while somebody starts or stops the server, ``owners`` is shared by all living owners, and
``running`` is inherited by the postmaster and its children, so it is held as long as one of them lives.
"""

import contextlib
import errno
import fcntl
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

LOCKS, LOG, ID = "postgres.locks", "postgres.log", "postgres.id"
DRAFT = ".new"  # behind the name of a cluster that is being made
DEED, OWNERS, RUNNING = "deed", "owners", "running"
DONE, CLEAR = b"d", b"c"  # an owner's last words: it has stopped the server itself; the watcher is to do it
KEEP, REMOVE, REMOVE_ALL = "keep", "remove", "remove-all"  # at stop: nothing, the cluster, the data folder too

_DEED_WAIT = 90.0  # seconds; the longest deed is a first start or a stop that needs all three signals
_LAST_BREATH = 2.0  # seconds in which what a killed owner had begun to start lets go of its locks
_STOP_STEPS = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))  # fast, immediate, last resort


def take_lock(path: Path, operation: int, wait: float = 0.0) -> int:
    """Return an open file that holds the lock; raises ``BlockingIOError`` when it is not to be had within ``wait``."""
    deadline = time.monotonic() + wait
    while True:
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(lock, operation | fcntl.LOCK_NB)
            if _is_still(lock, path):
                return lock
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(lock)
                raise
        # Another holder, or the file was removed with an ephemeral cluster while we waited: look again.
        os.close(lock)
        time.sleep(0.01)


def take_deed(data_dir: Path) -> int:
    """Return the lock under which servers are started and stopped."""
    return take_lock(data_dir / LOCKS / DEED, fcntl.LOCK_EX, _DEED_WAIT)


def is_free(path: Path) -> bool:
    """Tell whether nobody holds the lock exclusively."""
    try:
        os.close(take_lock(path, fcntl.LOCK_SH))
    except BlockingIOError:
        return False
    except FileNotFoundError:
        return True  # with the whole data directory
    return True


def server_pid(cluster: Path) -> int | None:
    """Return the process id of the cluster's living postmaster, or nothing: a stale file names no living one."""
    try:
        pid = int((cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace").partition("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and _is_postmaster(pid, cluster) else None


def end_orphans(cluster: Path, name: str) -> None:
    """Tell the server processes that have outlived their postmaster to leave; ``name`` is the server's cluster_name."""
    # The title that PostgreSQL gives to its children: "postgres: <cluster_name>: <what it does>".
    title = f"postgres: {name}: ".encode()
    children = [int(entry.name) for entry in Path("/proc").glob("[0-9]*") if _command_line(entry).startswith(title)]
    # Looked at after the children: a postmaster writes its file before it has any.
    if server_pid(cluster) is None:
        for child in children:
            with contextlib.suppress(OSError):
                os.kill(child, signal.SIGQUIT)


def release(cluster: Path, run_dir: Path, data_dir: Path, leave: str) -> bool:
    """Stop the server and remove what ``leave`` says; False, and nothing is done, if another owner lives."""
    try:
        deed = take_deed(data_dir)
    except FileNotFoundError:
        # Somebody has removed the data directory under the server, or was quicker to end an ephemeral one.
        _stop(cluster, run_dir, data_dir)
        _remove(cluster, data_dir, leave)
        return True
    try:
        # Under the deed nobody joins: an exclusive lock here says that no owner is left.
        owners = take_lock(data_dir / LOCKS / OWNERS, fcntl.LOCK_EX)
    except BlockingIOError:
        os.close(deed)
        return False
    try:
        _stop(cluster, run_dir, data_dir)
        _remove(cluster, data_dir, leave)
    finally:
        os.close(owners)
        os.close(deed)
    return True


def main(arguments: list[str]) -> None:
    """Wait until the owner at the other end of standard input is gone, then stop its server."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)  # the end of the owner is the only reason to act
    owner, cluster, run_dir, data_dir, leave = arguments
    last_word = os.read(0, 1)
    if last_word == DONE:
        return
    if last_word != CLEAR:
        # The pipe of a dying process may end before its locks do: both have ended when we have another parent.
        _wait_for(lambda: os.getppid() != int(owner), 10.0)
    # A process that a killed owner was about to start has its locks, too, until it is another program.
    _wait_for(lambda: release(Path(cluster), Path(run_dir), Path(data_dir), leave), _LAST_BREATH)


def _is_still(lock: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(lock), path.stat())
    except FileNotFoundError:
        return False


def _is_postmaster(pid: int, cluster: Path) -> bool:
    if not Path("/proc/self/cmdline").exists():
        try:
            os.kill(pid, 0)
        except OSError:
            return False
        return True
    program, *arguments = _command_line(Path(f"/proc/{pid}")).split(b"\0")
    return program.endswith(b"postgres") and os.fsencode(cluster) in arguments


def _command_line(process: Path) -> bytes:
    # Readable for every user, empty for a zombie. Links such as cwd would need CAP_SYS_PTRACE, rare in containers.
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _stop(cluster: Path, run_dir: Path, data_dir: Path) -> None:
    running = data_dir / LOCKS / RUNNING
    if server_pid(cluster) is None and not is_free(running):
        # Children without their postmaster, or a postmaster so young that its file is still to come.
        end_orphans(cluster, run_dir.name)
        _wait_for(lambda: server_pid(cluster) is not None or is_free(running), 10.0)
    for step, patience in _STOP_STEPS:
        pid = server_pid(cluster)
        if pid is None:
            break
        try:
            os.kill(pid, step)
        except ProcessLookupError:
            break
        _wait_for(lambda: server_pid(cluster) is None, patience)
    if not _wait_for(lambda: is_free(running), 2.0):
        end_orphans(cluster, run_dir.name)
        _wait_for(lambda: is_free(running), 5.0)
    for left in (run_dir, cluster.with_name(cluster.name + DRAFT)):
        shutil.rmtree(left, ignore_errors=True)


def _wait_for(condition: Callable[[], bool], patience: float) -> bool:
    deadline = time.monotonic() + patience
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.005)
    return met


def _remove(cluster: Path, data_dir: Path, leave: str) -> None:
    if leave == KEEP:
        return
    for folder in (cluster, data_dir / LOCKS):
        shutil.rmtree(folder, ignore_errors=True)
    for file in (data_dir / LOG, data_dir / ID):
        file.unlink(missing_ok=True)
    if leave == REMOVE_ALL:
        try:
            data_dir.rmdir()
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                raise


if __name__ == "__main__":
    main(sys.argv[1:])
