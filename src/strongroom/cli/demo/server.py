"""A Vault to throw away: ``strongroom serve`` as a child process, which ends and removes its data when we are gone."""

import os
import secrets
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile, gettempdir
from typing import IO

from strongroom.cli import client
from strongroom.cli.client import Server
from strongroom.cli.demo import statuses
from strongroom.config import PREFIX, CannotRun

_START = 90.0  # seconds until it must be ready
_STOP = 30.0  # seconds that it gets to stop by itself
_KEPT = {f"{PREFIX}POSTGRES_BIN", f"{PREFIX}LOG_LEVEL"}


@contextmanager
def sample_vault() -> Iterator[Server]:
    """Start a sample Vault on a free port; it is gone, with all its files, at the end of the block."""
    # The server makes the folder and removes it, so that nothing is left even if we are killed. Its log has no name.
    data_dir = Path(gettempdir()).resolve() / f"strongroom-demo-{secrets.token_hex(16)}"
    try:
        with TemporaryFile() as log, _launched(data_dir, log) as process:
            _await_ready(process, log)
            yield client.server_of(data_dir, environment={})
    finally:
        shutil.rmtree(data_dir, ignore_errors=True)


@contextmanager
def _launched(data_dir: Path, log: IO[bytes]) -> Iterator[subprocess.Popen[str]]:
    options = ["--ephemeral", "--data-dir", str(data_dir), "--port", "0", "--seed", "sample", *statuses.OPTIONS]
    # The person's own settings are for another server; and Ctrl-C is for the demo, which stops the server in its turn.
    environment = {n: value for n, value in os.environ.items() if not n.startswith(PREFIX) or n in _KEPT}
    process = subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-P", "-m", "strongroom", "_held", "serve", *options],
        stdin=subprocess.PIPE,  # its life-line: nobody else holds our end
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env=environment,
        start_new_session=True,
    )
    with process:
        try:
            yield process
        finally:
            _stop(process)


def _await_ready(process: subprocess.Popen[str], log: IO[bytes]) -> None:
    assert process.stdout
    patience = threading.Timer(_START, process.kill)
    patience.start()
    try:
        line = process.stdout.readline()
    finally:
        patience.cancel()
    if not line.startswith("ready "):
        log.seek(0)
        said = log.read().decode(errors="replace").strip().splitlines()
        reason = said[-1].removeprefix("strongroom: ") if said else "it said nothing."
        raise CannotRun(f"The demo's server has not started: {reason}")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
