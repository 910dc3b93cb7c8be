"""A database cluster on disk: where it lies, who owns it, how it is made whole in one step."""

import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from strongroom.store.embedded.account import ROOT, Account, EmbeddedPostgresError, account_of, reaches, run
from strongroom.store.embedded.binaries import SHARED, Binaries, make_shared
from strongroom.store.embedded.watcher import DRAFT, ID

ROLE = DATABASE = "strongroom"
FOLDER = "postgres"


@dataclass(frozen=True)
class Cluster:
    """The folder that PostgreSQL calls its data directory, and who runs it."""

    folder: Path
    account: Account

    @property
    def exists(self) -> bool:
        """Tell whether it was made."""
        return (self.folder / "PG_VERSION").is_file()


def locate(data_dir: Path) -> Cluster:
    """Return the data directory's cluster, made or to be made: inside, or machine-wide where its user cannot enter."""
    inside = data_dir / FOLDER
    elsewhere = _elsewhere(data_dir / ID)
    if os.geteuid() != ROOT:
        if elsewhere:
            raise EmbeddedPostgresError(f"The database of {data_dir} was made by root: start Strongroom as root.")
        return Cluster(inside, account_of(inside))
    if elsewhere:
        if not (elsewhere / "PG_VERSION").is_file():
            raise EmbeddedPostgresError(
                f"The database {elsewhere} that {data_dir / ID} names is gone: restore it, or delete {data_dir / ID} "
                "to begin with an empty one."
            )
        return Cluster(elsewhere, account_of(elsewhere))
    account = account_of(inside)
    if reaches(account, data_dir):
        return Cluster(inside, account)
    if inside.exists():
        raise EmbeddedPostgresError(
            f"The user that runs PostgreSQL can no longer enter {data_dir}: give it search permission (chmod o+x)."
        )
    return Cluster(SHARED / secrets.token_hex(8), account)


def make(cluster: Cluster, binaries: Binaries, data_dir: Path, running: int, *, durable: bool) -> None:
    """Make the cluster with our role and database; it appears whole or not at all, whatever ends us on the way.

    The programs hold the open file ``running`` (the lock of that name), so nobody begins anew beside them.
    """
    if cluster.folder.exists() and any(cluster.folder.iterdir()):
        raise EmbeddedPostgresError(f"{cluster.folder} is not a PostgreSQL database: move it away and start again.")
    if cluster.folder.parent == SHARED:
        make_shared()
    draft = cluster.folder.with_name(cluster.folder.name + DRAFT)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    try:
        if cluster.account.switch:
            os.chown(draft, cluster.account.uid, cluster.account.gid, follow_symlinks=False)
        _fill(draft, cluster.account, binaries, running, durable=durable)
        draft.rename(cluster.folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    if cluster.folder.parent == SHARED:
        _write(data_dir / ID, cluster.folder.name)
    _sync_folder(cluster.folder.parent)


def check_version(cluster: Cluster, binaries: Binaries) -> None:
    """Raise when the cluster's files belong to another PostgreSQL than the programs."""
    found = (cluster.folder / "PG_VERSION").read_text(encoding="ascii", errors="replace").strip()
    if found != str(binaries.major):
        raise EmbeddedPostgresError(
            f"The database in {cluster.folder} was made by PostgreSQL {found} and this is {binaries.version}: give the "
            f"programs of PostgreSQL {found} with --postgres-bin, or move the data over with pg_dumpall."
        )


def _elsewhere(id_file: Path) -> Path | None:
    try:
        found = id_file.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return None
    if not re.fullmatch(r"[0-9a-f]{16}", found):
        raise EmbeddedPostgresError(f"{id_file} holds no id of a database: restore it from a backup.")
    return SHARED / found


def _fill(draft: Path, account: Account, binaries: Binaries, running: int, *, durable: bool) -> None:
    # Trust: there is no TCP, and the socket lies in a folder that only this user (and root) may enter. Who can connect
    # could as well read the files. Sorting by code point is the same everywhere; the built-in locale knows upper and
    # lower case beyond ASCII, which plain C does not.
    flags = ["--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
    flags += ["--data-checksums", "--no-instructions", "--no-sync", f"--username={ROLE}"]
    initdb = binaries.folder / "initdb"
    _must(account, [initdb, "-D", draft, *flags], running)
    single: list[str | Path] = [
        binaries.folder / "postgres",
        "--single",
        "-F",
        "-j",
        "-D",
        draft,
        "-c",
        "log_checkpoints=off",
        "postgres",
    ]
    _must(account, single, running, f"CREATE DATABASE {DATABASE}\n\n")
    if durable:
        # Written through once at the end: that costs a third of syncing at every step.
        _must(account, [initdb, "-D", draft, "--sync-only"], running)


def _must(account: Account, command: list[str | Path], running: int, text: str = "") -> None:
    answer = run(account, command, text, keep=(running,))
    if answer.returncode != 0 or "ERROR:" in answer.stdout:
        last = "; ".join(line.strip() for line in answer.stdout.splitlines() if line.strip())[-600:]
        raise EmbeddedPostgresError(
            f"PostgreSQL's {Path(command[0]).name} could not make the database (it said: {last}): "
            "correct that and start again, or give --database-url."
        )


def _write(path: Path, text: str) -> None:
    draft = path.with_name(path.name + ".new")
    with draft.open("w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
