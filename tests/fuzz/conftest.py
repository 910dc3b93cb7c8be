"""A Vault for each test, and its application in a thread of its own: the tests are plain functions."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import cast

import pytest
from anyio.from_thread import start_blocking_portal
from tests.fuzz.edge import ADMIN, PASSWORD, Ask, Edge
from tests.fuzz.profiles import LONG

from strongroom import kinds
from strongroom.api.app import application
from strongroom.config import Settings
from strongroom.main.vault import open_vault
from strongroom.sdk import load
from strongroom.services import users


@pytest.fixture
def edge(anyio_backend: str, settings: Settings, record_property: Callable[[str, object], None]) -> Iterator[Edge]:
    """The application with a session of the admin."""
    with (
        start_blocking_portal(anyio_backend) as portal,
        portal.wrap_async_context_manager(open_vault(settings)) as system,
    ):
        admin = portal.call(users.find, system, ADMIN)
        assert admin is not None
        edge = Edge(portal, application(system, load(kinds)), system.as_user(admin))
        form = f"username={ADMIN}&password={PASSWORD.replace(' ', '+')}".encode()
        edge.session = edge.send(Ask("POST", b"/api/v26.1/auth", body=[form])).json["sessionId"]
        yield edge
        record_property("calls", dict(edge.calls))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say after a long run how many calls there were, and how they ended."""
    reports = [
        each for found in terminalreporter.stats.values() for each in found if isinstance(each, pytest.TestReport)
    ]
    calls: Counter[str] = Counter()
    for report in reports:
        if report.when == "teardown":
            calls.update(cast(dict[str, int], dict(report.user_properties).get("calls", {})))
    if LONG:
        terminalreporter.write_line(f"{calls.total()} calls: {dict(calls)}")
