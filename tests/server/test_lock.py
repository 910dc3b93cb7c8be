"""The lock on the data directory, held by real processes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strongroom.config import CannotRun
from strongroom.server import lock

HOLDER = """
import sys
from pathlib import Path
from strongroom.server import lock
with lock.held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holder(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_owner_is_refused_by_name(tmp_path: Path) -> None:
    first = holder(tmp_path)
    try:
        with pytest.raises(CannotRun) as refused, lock.held(tmp_path):
            pass
    finally:
        first.communicate()
    assert str(first.pid) in refused.value.sentence
    assert str(tmp_path) in refused.value.sentence
    assert refused.value.code == 1


def test_a_killed_owner_leaves_no_lock(tmp_path: Path) -> None:
    first = holder(tmp_path)
    first.kill()
    first.communicate()
    with lock.held(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_no_child_inherits_it(tmp_path: Path) -> None:
    with lock.held(tmp_path):
        child = subprocess.Popen(["sleep", "60"])
    try:
        with lock.held(tmp_path):
            pass
    finally:
        child.kill()
        child.wait()
