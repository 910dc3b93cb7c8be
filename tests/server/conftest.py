"""Servers that a test starts, stopped at its end."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Running, Starting, launch, open_place, serving


@pytest.fixture
def place() -> Iterator[Path]:
    with open_place() as folder:
        yield folder


@pytest.fixture
def start(place: Path) -> Iterator[Starting]:
    """Start servers, each on a data directory of the place."""
    with ExitStack() as started:

        def begin(*options: object, data_dir: Path | None = None, **others: Any) -> Running:
            folder = data_dir or place / "data"
            return started.enter_context(serving(launch("--data-dir", folder, *options, **others), folder))

        yield begin


@pytest.fixture(scope="session")
def plain_server() -> Iterator[Running]:
    """One server of plain HTTP for all tests that only send it bytes."""
    with open_place() as folder:
        data_dir = folder / "data"
        with serving(launch("--data-dir", data_dir, "--no-tls", "--limits", "off"), data_dir) as running:
            yield running
