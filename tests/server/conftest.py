"""Servers that a test starts, stopped at its end."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from tests.server.serving import Running, Starting, launch, open_place, serving, shared_server, with_password


@pytest.fixture
def place() -> Iterator[Path]:
    with open_place() as folder:
        yield folder


@pytest.fixture
def start(place: Path) -> Iterator[Starting]:
    """Start servers, each on a data directory of the place and with a database of its own, as a user does."""
    with ExitStack() as started:

        def begin(*options: object, data_dir: Path | None = None, **others: Any) -> Running:
            folder = data_dir or place / "data"
            return started.enter_context(serving(launch("--data-dir", folder, *options, **others), folder))

        yield begin


@pytest.fixture
def start_prepared(start: Starting, place: Path, anyio_backend: str, database_url: str) -> Starting:
    """Start servers on a database that is prepared already, all of a test on the same one.

    It costs half as much, and serves where neither the first start nor PostgreSQL's process is what is tested.
    """

    def begin(*options: object, data_dir: Path | None = None, **others: Any) -> Running:
        folder = with_password(data_dir or place / "data")
        return start("--database-url", database_url, *options, data_dir=folder, **others)

    return begin


@pytest.fixture(scope="session")
def plain_server(postgres_url: str) -> Iterator[Running]:
    """One server of plain HTTP for all tests that only send it bytes."""
    with shared_server(postgres_url, "--workers", 0, "--no-tls", "--limits", "off") as running:
        yield running
