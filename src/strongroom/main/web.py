"""What a web process serves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from strongroom import kinds
from strongroom.api.app import application
from strongroom.config import Settings
from strongroom.main.vault import open_vault
from strongroom.sdk import load
from strongroom.server.web import Served


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Served]:
    """Open the Vault and what answers its requests."""
    async with open_vault(settings) as vault:
        yield Served(application(vault, load(kinds)), vault.database.changes.dismiss)
