"""The Vault of a process: opened by the settings, after a look whether its database and its blobs can be reached."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from strongroom.config import CannotRun, Settings
from strongroom.domain.user import SYSTEM
from strongroom.services import vaults
from strongroom.store import migrations, reachability
from strongroom.store.blobs import Blobs
from strongroom.store.clock import Clock
from strongroom.store.database import Database
from strongroom.vault import Vault, VaultInfo


@asynccontextmanager
async def open_vault(settings: Settings) -> AsyncIterator[Vault]:
    """Open a prepared Vault as the system user; ``settings.database_url`` names its database."""
    assert settings.database_url is not None
    database = Database.connect(settings.database_url)
    try:
        info = VaultInfo(settings.vault_id, settings.vault_name, settings.vault_timezone)
        blobs = Blobs.open(_blobs(settings))
        vault = Vault(database, blobs, Clock(), SYSTEM, settings, info)
        yield replace(vault, info=await vaults.info(vault))
    finally:
        await database.close()


async def reach(url: str) -> None:
    """Refuse a database that cannot be reached."""
    try:
        await reachability.check(url)
    except reachability.UnreachableError as error:
        parts = urlsplit(url)
        place = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
        raise CannotRun(f"The database {place} cannot be reached: {error}. Correct --database-url.") from error


async def reach_blobs(settings: Settings) -> None:
    """Refuse a place for bytes that cannot be written to."""
    place = _blobs(settings)
    try:
        await reachability.check_blobs(place, str(settings.vault_id))
    except reachability.UnreachableError as error:
        shown = re.sub(r"//[^/@]*@", "//", str(place).partition("?")[0])  # no password, no signature
        raise CannotRun(
            f"The bytes of files cannot be kept in {shown}: {error}. Correct --blobs, or what the environment says "
            "about it."
        ) from error


def refuse_newer(revision: str | None) -> None:
    """Refuse a database that a newer version has prepared."""
    if revision is not None and revision > migrations.HEAD:
        raise CannotRun(
            f"The database was prepared by a newer version of Strongroom (it has schema {revision}, this knows "
            f"{migrations.HEAD} at most): run that version, or a newer one."
        )


def _blobs(settings: Settings) -> str | Path:
    place = settings.blobs or settings.data_dir / "blobs"
    # A folder, however it is spelled: what is written there has to be flushed, which object stores do by themselves.
    return Path(unquote(urlsplit(place).path)) if isinstance(place, str) and place.startswith("file://") else place
