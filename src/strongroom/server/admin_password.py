"""The first admin's password, when nobody has given one: made up once and kept in the data directory."""

import os
import secrets
from pathlib import Path

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
    draft = data_dir / f"{NAME}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
        out.write(f"{password}\n")
        out.flush()
        os.fsync(out.fileno())
    draft.replace(file)
    return password
