"""``server.json``: how programs on this machine find a running server by its data directory."""

import json
import os
from pathlib import Path

NAME = "server.json"


def announce(data_dir: Path, *, url: str, authority: Path | None, admin_user: str) -> None:
    """Write the address, the CA that signed the certificate (none without TLS), the admin and our process id."""
    content = {
        "url": url,
        "ca": str(authority) if authority else None,
        "admin_user": admin_user,
        "pid": os.getpid(),
    }
    draft = data_dir / f"{NAME}.new"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file)
    draft.replace(data_dir / NAME)


def withdraw(data_dir: Path) -> None:
    """Remove it: the server answers no more."""
    (data_dir / NAME).unlink(missing_ok=True)
