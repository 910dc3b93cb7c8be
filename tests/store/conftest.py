"""A place for the data of servers that a test starts."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.server.serving import open_place


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user of the machine can enter: pytest's own are closed."""
    with open_place() as folder:
        yield folder
