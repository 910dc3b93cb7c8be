"""A real HTTP server for the test's Vault, and clients of it."""

from collections.abc import AsyncIterator

import httpx
import pytest
from tests.api.http_server import client_of, logged_in, serving

from strongroom import kinds
from strongroom.api.app import application
from strongroom.sdk import load
from strongroom.sdk.registry import Kinds
from strongroom.vault import Vault


@pytest.fixture
def job_kinds() -> Kinds:
    """The kinds of jobs that the server of a test knows."""
    return load(kinds)


@pytest.fixture
async def port(system_vault: Vault, job_kinds: Kinds) -> AsyncIterator[int]:
    """The port on which the Vault of this test answers."""
    async with serving(application(system_vault, job_kinds)) as number:
        yield number


@pytest.fixture
async def stranger(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a session."""
    async with client_of(port) as client:
        yield client


@pytest.fixture
async def http(port: int) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session of the admin."""
    async with logged_in(port) as client:
        yield client
