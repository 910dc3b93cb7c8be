"""The processes of a server do not load what they have no use for: it would cost each of them time and memory."""

import subprocess
import sys

import pytest

NOBODY = ("alembic", "cryptography", "httpx", "trustme", "typer")
ROLES = {
    "web": (*NOBODY, "strongroom.engine"),
    "worker": (*NOBODY, "starlette", "uvicorn", "strongroom.api"),
    "preparation": (*NOBODY, "starlette", "uvicorn", "strongroom.api", "strongroom.engine"),
}


@pytest.mark.parametrize(("role", "library"), [(role, each) for role, libraries in ROLES.items() for each in libraries])
def test_a_child_does_not_load(role: str, library: str) -> None:
    loading = f"import sys; from strongroom.main import {role}; from strongroom.server import {role} as server"
    done = subprocess.run([sys.executable, "-c", f"{loading}; sys.exit({library!r} in sys.modules)"], check=False)
    assert done.returncode == 0
