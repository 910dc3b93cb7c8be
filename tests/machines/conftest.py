"""The site that all tests of this folder share: each leaves it as it has found it."""

from collections.abc import Iterator

import pytest
from tests.machines.site import Site, site
from tests.process.vault_client import VaultClient
from tests.server.conftest import place

__all__ = ["documents", "place", "shared"]


@pytest.fixture(scope="session")
def shared() -> Iterator[Site]:
    with site() as made:
        yield made


@pytest.fixture(scope="session")
def documents(shared: Site) -> dict[int, str]:
    """Documents of the site, with the checksums of their files; uploaded through the balancer."""
    with VaultClient.logged_in(shared.at("balancer")) as client:
        return client.fill(60, different=5)
