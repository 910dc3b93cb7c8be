"""The examples that a newcomer types: the walk-through of the README and the program of the how-to, on a real server."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.serving import Running, environment, launch, open_place, serving

ROOT = Path(__file__).parent.parent
BINARIES = Path(sys.executable).parent


def blocks(page: str, mark: str) -> list[str]:
    """The fenced blocks of a page that are marked so."""
    return re.findall(rf"^```{mark}\n(.*?)^```$", (ROOT / page).read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def server() -> Iterator[Running]:
    """What the README starts, on a free port; the folder above the data directory is where the newcomer stands."""
    with open_place() as place:
        data_dir = place / "data"
        with serving(launch("--data-dir", data_dir, "--seed", "sample"), data_dir) as running:
            yield running


def run(server: Running, command: list[str], text: str, **extra: str) -> str:
    """Run an example, with the server's real port in the place of 8443; gives what it prints."""
    port = server.url.rpartition(":")[2]
    assert "localhost:8443/" in text
    done = subprocess.run(
        command,
        input=text.replace("localhost:8443/", f"localhost:{port}/"),
        cwd=server.data_dir.parent,
        env=environment(**extra),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_walk_through_leads_to_the_same_bytes(server: Running) -> None:
    steps = blocks("README.md", "sh walk-through")
    assert len(steps) == 4
    path = os.pathsep.join([str(BINARIES), os.environ["PATH"]])
    printed = run(server, ["bash"], "set -euo pipefail\n" + "".join(steps), PATH=path)
    assert re.match(r"job \d+ exports document \d+\n", printed)
    assert '"status": "SUCCESS"' in printed
    assert printed.endswith("the same, byte for byte\n")


def test_the_program_for_python_exports_a_document(server: Running) -> None:
    (program,) = blocks("docs/how-to/point-a-client.md", "python program")
    password = (server.data_dir / "admin-password").read_text().strip()
    authority = str(server.data_dir / "tls" / "ca.pem")
    printed = run(server, [sys.executable, "-"], program, STRONGROOM_PASSWORD=password, SSL_CERT_FILE=authority)
    assert re.fullmatch(r"SUCCESS\n/\d+/1/\d+_\d+/\S.* \d+ bytes\n", printed)
