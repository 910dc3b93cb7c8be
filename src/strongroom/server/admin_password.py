"""The first admin's password, when nobody has given one: made up once and kept in the data directory."""

import secrets
from pathlib import Path

from strongroom.store import durable

NAME = "admin-password"


def thought_up(data_dir: Path) -> str:
    """Return the password kept in ``{data_dir}/admin-password`` (mode 0600); it is made up when there is none."""
    file = data_dir / NAME
    try:
        if kept := file.read_text(encoding="utf-8").strip():
            return kept
    except FileNotFoundError:
        pass
    password = secrets.token_urlsafe(18)
    durable.write_file(file, f"{password}\n".encode())
    return password
