"""The operating system user that PostgreSQL runs as: PostgreSQL refuses root, so root hands it to another."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = 0
UNPRIVILEGED = "nobody"


class EmbeddedPostgresError(Exception):
    """The bundled PostgreSQL cannot run. The message is one sentence that says what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs PostgreSQL. ``switch``: the child process has to change to this user, since we are root."""

    uid: int
    gid: int
    switch: bool


def account_of(cluster: Path) -> Account:
    """Return who runs the cluster: its owner where it exists, else this process's user, or ``nobody`` for root."""
    owner = cluster.stat().st_uid if cluster.exists() else None
    if os.geteuid() != ROOT:
        if owner not in (None, os.geteuid()):
            raise EmbeddedPostgresError(
                f"The database in {cluster} belongs to user {_name(owner)}: start Strongroom as that user, or as root."
            )
        return Account(os.geteuid(), os.getegid(), switch=False)
    entry = _entry(owner) if owner not in (None, ROOT) else _unprivileged()
    return Account(entry.pw_uid, entry.pw_gid, switch=True)


def run(
    account: Account, command: Sequence[str | Path], text: str = "", keep: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end as the account, with the open files ``keep``; standard error goes to standard output."""
    return subprocess.run(  # noqa: S603 - the command is ours, its paths are arguments and no shell reads them
        command,
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        errors="replace",
        cwd="/",
        env=environment(),
        pass_fds=keep,
        user=account.uid if account.switch else None,
        group=account.gid if account.switch else None,
        extra_groups=[] if account.switch else None,
    )


def spawn(account: Account, command: Sequence[str | Path], output: IO[bytes], keep: int) -> subprocess.Popen[bytes]:
    """Start a command as the account in a session of its own, with the open file ``keep`` (a descriptor)."""
    # A session of its own: Ctrl-C in the terminal must reach our process alone, which then stops the server in order.
    return subprocess.Popen(  # noqa: S603 - as above
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        cwd="/",
        env=environment(),
        start_new_session=True,
        pass_fds=(keep,),
        user=account.uid if account.switch else None,
        group=account.gid if account.switch else None,
        extra_groups=[] if account.switch else None,
    )


def reaches(account: Account, folder: Path) -> bool:
    """Tell whether the account can enter a folder: tried, not computed, so access lists and mounts count too."""
    if not account.switch:
        return os.access(folder, os.X_OK)
    try:
        return run(account, ["/bin/sh", "-c", 'cd -- "$1"', "sh", folder]).returncode == 0
    except OSError as error:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root and this root may not start it as user {_name(account.uid)} "
            f"({error.strerror}): start Strongroom as an ordinary user, or give --database-url."
        ) from error


def environment() -> dict[str, str]:
    """Return what the server's programs see: no PG* settings of the caller, one locale, one time zone."""
    # TZ spares initdb the search through the whole time zone database.
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C", "TZ": "UTC"}


def _unprivileged() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(UNPRIVILEGED)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run as root and there is no user {UNPRIVILEGED} to run it: "
            "start Strongroom as an ordinary user, or give --database-url."
        ) from None


def _entry(uid: int | None) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(uid if uid is not None else ROOT)
    except KeyError:
        raise EmbeddedPostgresError(
            f"The database belongs to user id {uid}, which this machine does not know: add that user."
        ) from None


def _name(uid: int | None) -> str:
    try:
        return pwd.getpwuid(uid if uid is not None else ROOT).pw_name
    except KeyError:
        return str(uid)
