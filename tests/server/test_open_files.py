"""How many connections a process may have, under the limits that a system sets."""

import subprocess
import sys

import pytest

ASKING = """
import resource, sys
from strongroom.server.open_files import allow_connections
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), int(sys.argv[2])))
print(allow_connections(1000), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "found"),
    [
        (3000, 4000, "1000 3000 4000"),
        (256, 4000, "1000 1200 4000"),
        (256, 700, "500 700 700"),
        (100, 100, "1 100 100"),
    ],
)
def test_the_limit_is_raised_as_far_as_it_is_needed_and_can_be(soft: int, hard: int, found: str) -> None:
    command = [sys.executable, "-c", ASKING, str(soft), str(hard)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == found
