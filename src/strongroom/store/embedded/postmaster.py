"""Starts PostgreSQL on a cluster and waits until it takes connections: its settings, its socket, its log."""

import fcntl
import hashlib
import os
import re
import stat
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from strongroom.store.embedded.account import Account, EmbeddedPostgresError, spawn
from strongroom.store.embedded.binaries import Binaries
from strongroom.store.embedded.cluster import Cluster
from strongroom.store.embedded.watcher import LOCKS, LOG, RUNNING, end_orphans, server_pid, take_lock

PORT = 5432  # names the socket file; there is no TCP
LONGEST_FOLDER = 80  # characters; the socket's path ends at 107 bytes
START_SECONDS = 120.0  # recovery after a crash may take its time
LEAVE_SECONDS = 15.0  # for what a dead owner or postmaster has left to end
LARGEST_LOG = 10_000_000  # bytes; beyond it the log is set aside at the next start

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "jit": "off",  # compiling costs more than our short statements take
    "wal_level": "minimal",
    "max_wal_senders": "0",  # nobody replicates this server
    "max_logical_replication_workers": "0",
    "wal_compression": "on",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "15min",
    "autovacuum_naptime": "30s",  # the queue's tables turn over quickly
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True)
class Ready:
    """A server that takes connections: its process id and the folder of its socket."""

    pid: int
    socket_dir: Path


def run_dir_of(cluster: Cluster) -> Path:
    """Return the short private folder for the cluster's socket; its last part is also the server's cluster_name."""
    digest = hashlib.sha256(os.fsencode(cluster.folder) + b"\0%d" % cluster.account.uid).hexdigest()
    name = f"strongroom-{digest[:12]}"
    personal = os.environ.get("XDG_RUNTIME_DIR", "")
    usable = re.fullmatch(rf"/[\w./-]{{1,{LONGEST_FOLDER - len(name)}}}", personal, re.ASCII)
    if usable and not cluster.account.switch and os.access(personal, os.W_OK | os.X_OK):
        return Path(personal, name)
    return Path("/tmp", name)  # noqa: S108 - owner and mode are checked before use


def take_running(cluster: Cluster, data_dir: Path) -> int | None:
    """Return the lock that says that a server of the cluster lives, or nothing when one shows itself meanwhile."""
    lock = data_dir / LOCKS / RUNNING
    deadline = time.monotonic() + LEAVE_SECONDS
    while True:
        try:
            return take_lock(lock, fcntl.LOCK_EX)
        except BlockingIOError:
            # The children of a dead postmaster, which would leave at the end of their statement, or the programs that
            # a dead owner has just started: those end by themselves or become a server to adopt.
            end_orphans(cluster.folder, run_dir_of(cluster).name)
        if server_pid(cluster.folder) is not None:
            return None
        if time.monotonic() >= deadline:
            raise EmbeddedPostgresError(
                f"The database in {cluster.folder} is in use by another container or by a server process that does "
                "not end: stop that one first."
            )
        time.sleep(0.05)


def boot(
    cluster: Cluster, binaries: Binaries, data_dir: Path, running: int, *, durable: bool
) -> subprocess.Popen[bytes]:
    """Start the postmaster, which holds the lock ``running`` on. The caller holds the deed and waits for ready."""
    run_dir = run_dir_of(cluster)
    _clear(cluster, run_dir)
    settings = _SETTINGS | {"unix_socket_directories": str(run_dir), "cluster_name": run_dir.name}
    settings |= {"io_method": "sync"} if binaries.major >= 18 else {}  # three processes fewer
    settings |= {} if durable else _FORGETFUL
    flags = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command: list[str | Path] = [binaries.folder / "postgres", "-D", cluster.folder, "-p", str(PORT), *flags]
    with os.fdopen(_open_log(data_dir, cluster.account), "ab") as log:
        return spawn(cluster.account, command, log, keep=running)


def wait_ready(cluster: Cluster, data_dir: Path, started: subprocess.Popen[bytes] | None) -> Ready | None:
    """Wait until the server takes connections. ``started``: its process; without one, nothing when it has ended."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if started is None and server_pid(cluster.folder) is None:
            return None
        if started and started.poll() is not None:
            raise EmbeddedPostgresError(
                f"PostgreSQL ended while it started ({_last_words(data_dir)}): correct that and start again; "
                f"the whole log is {data_dir / LOG}."
            )
        ready = _ready(cluster.folder)
        if ready:
            return ready
        time.sleep(0.005)
    raise EmbeddedPostgresError(
        f"PostgreSQL has not become ready in {START_SECONDS:.0f} s: see {data_dir / LOG} and start again."
    )


def _clear(cluster: Cluster, run_dir: Path) -> None:
    # Nobody serves this cluster: the lock says so. PostgreSQL would compare bare process ids and refuse when, as in
    # every restarted container, the old id now belongs to somebody else.
    (cluster.folder / "postmaster.pid").unlink(missing_ok=True)
    _private_folder(run_dir, cluster.account)
    for left in (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
        (run_dir / left).unlink(missing_ok=True)


def _private_folder(folder: Path, account: Account) -> None:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        facts = folder.lstat()
        private = stat.S_ISDIR(facts.st_mode) and not facts.st_mode & 0o077
        if not private or facts.st_uid not in {account.uid, os.geteuid()}:
            raise EmbeddedPostgresError(
                f"{folder} is not a private folder of the user that runs PostgreSQL: remove it and start again."
            ) from None
    if account.switch:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _open_log(data_dir: Path, account: Account) -> int:
    path = data_dir / LOG
    if path.exists() and path.stat().st_size > LARGEST_LOG:
        path.replace(path.with_name(f"{LOG}.1"))
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if account.switch:
        os.fchown(log, account.uid, account.gid)
    return log


def _ready(folder: Path) -> Ready | None:
    try:
        lines = (folder / "postmaster.pid").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    pid = server_pid(folder)
    if pid is None or len(lines) < 8 or lines[7].strip() != "ready":
        return None
    return Ready(pid, Path(lines[4]))


def _last_words(data_dir: Path) -> str:
    try:
        lines = (data_dir / LOG).read_text(encoding="utf-8", errors="replace").splitlines()[-20:]
    except FileNotFoundError:
        return "it wrote nothing"
    fatal = [line for line in lines if re.search(r"FATAL|PANIC|rror", line)]
    return (fatal or lines or ["it wrote nothing"])[-1].strip()
