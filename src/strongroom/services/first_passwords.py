"""Passwords made up for the users of a seed file, kept in the data directory for whoever starts the server."""

import os
import secrets
from pathlib import Path

NAME = "users.txt"


def made_up(data_dir: Path, user_name: str) -> str:
    """The password kept for a user in ``{data_dir}/users.txt`` (mode 0600); it is made up when there is none.

    A line is the user's name, a tab and the password. The file is written before the user is, so that a crash between
    the two loses nothing.
    """
    file = data_dir / NAME
    kept = _read(file)
    if user_name not in kept:
        kept[user_name] = secrets.token_urlsafe(18)
        _write(file, "".join(f"{name}\t{password}\n" for name, password in kept.items()))
    return kept[user_name]


def _read(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    return {name: password for name, tab, password in (line.partition("\t") for line in lines) if tab}


def _write(file: Path, text: str) -> None:
    draft = file.with_name(f"{NAME}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
