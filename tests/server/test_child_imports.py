"""The processes of a server do not load what they have no use for: each library costs every one of them memory."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("library", ["alembic", "cryptography", "httpx", "trustme", "typer"])
def test_a_child_does_not_load(library: str) -> None:
    loading = "import sys; from strongroom import main; from strongroom.server import web, worker"
    done = subprocess.run([sys.executable, "-c", f"{loading}; sys.exit({library!r} in sys.modules)"], check=False)
    assert done.returncode == 0
