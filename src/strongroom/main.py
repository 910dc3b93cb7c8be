"""Puts the parts together: the only module that knows all of them."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from strongroom import kinds
from strongroom.api.app import application
from strongroom.config import CannotRun, Settings
from strongroom.domain.seed import SeedError
from strongroom.domain.user import SYSTEM
from strongroom.engine import custom_files, worker
from strongroom.sdk import load
from strongroom.server import admin_password
from strongroom.server.web import Served
from strongroom.services import housekeeping, seeding, system_jobs, users, vaults
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


async def prepare(settings: Settings, alone: bool = False) -> str | None:  # noqa: FBT001, FBT002 - passed on as it is
    """Bring the database up to date and make what every Vault has; gives the admin's password if it was thought up.

    Servers of several machines may do this at once: they take turns.
    ``alone``: no worker can be at work yet, so that what an earlier one had taken is given out again at once.
    """
    assert settings.database_url is not None
    await _reach_blobs(settings)
    await _reach(settings.database_url)
    database = Database.connect(settings.database_url, pool_size=4)
    try:
        async with migrations.turn(database):
            _refuse_newer(await migrations.revision(database))
            await migrations.migrate(database)
            return await _furnish(settings, alone=alone)
    finally:
        await database.close()


@asynccontextmanager
async def open_application(settings: Settings) -> AsyncIterator[Served]:
    """Open the Vault and what answers its requests."""
    async with open_vault(settings) as vault:
        yield Served(application(vault, load(kinds)), vault.database.changes.dismiss)


async def work(
    settings: Settings, worker_id: str, replaces: str | None, ready: Callable[[], None], stop: asyncio.Event
) -> bool:
    """Run jobs until ``stop`` is set; ``replaces`` is a dead worker, whose messages are given out anew at once.

    Gives whether abandoned code still runs, which nobody can end but with the process.
    """
    assert settings.database_url is not None
    await _reach(settings.database_url)
    async with open_vault(settings) as vault:
        if replaces:
            await housekeeping.requeue_of(vault, replaces)
        known = {**load(kinds), **await custom_files.load(vault)}
        ready()
        return await worker.run(vault, known, worker_id=worker_id, stop=stop)


async def work_alone(
    settings: Settings, worker_id: str, replaces: str | None, ready: Callable[[], None], stop: asyncio.Event
) -> bool:
    """Do the same without a server, which would have looked whether blobs and database are fit for use."""
    assert settings.database_url is not None
    await _reach_blobs(settings)
    await _reach(settings.database_url)
    await _find_prepared(settings.database_url)
    return await work(settings, worker_id, replaces, ready, stop)


async def _furnish(settings: Settings, *, alone: bool) -> str | None:
    """Make what every Vault has, in a database of the newest schema."""
    async with open_vault(settings) as vault:
        await vaults.prepare(vault)
        if alone:
            await housekeeping.requeue_all(vault)
        password = await _first_admin(vault)
        await system_jobs.prepare(vault, load(kinds))
        try:
            await seeding.apply_settings(vault)
        except SeedError as error:
            raise CannotRun(error.message) from error
        return password


async def _find_prepared(url: str) -> None:
    database = Database.connect(url, pool_size=2)
    try:
        revision = await migrations.revision(database)
    finally:
        await database.close()
    _refuse_newer(revision)
    if revision != migrations.HEAD:
        raise CannotRun(
            f"The database is not ready for this version of Strongroom (it has schema {revision or 'none'}, this needs "
            f"{migrations.HEAD}): start a strongroom serve of this version first."
        )


def _refuse_newer(revision: str | None) -> None:
    if revision is not None and revision > migrations.HEAD:
        raise CannotRun(
            f"The database was prepared by a newer version of Strongroom (it has schema {revision}, this knows "
            f"{migrations.HEAD} at most): run that version, or a newer one."
        )


async def _first_admin(vault: Vault) -> str | None:
    settings = vault.settings
    if await users.find(vault, settings.admin_user):
        return None
    given = settings.admin_password.get_secret_value() if settings.admin_password else None
    # Kept before it is used: a kill in between must not leave an admin whose password nobody knows.
    password = given or admin_password.thought_up(settings.data_dir)
    await vaults.ensure_admin(vault, settings.admin_user, password)
    return None if given else password


async def _reach(url: str) -> None:
    try:
        await reachability.check(url)
    except reachability.UnreachableError as error:
        parts = urlsplit(url)
        place = f"{parts.hostname or 'localhost'}:{parts.port or 5432}{parts.path}"
        raise CannotRun(f"The database {place} cannot be reached: {error}. Correct --database-url.") from error


async def _reach_blobs(settings: Settings) -> None:
    place = _blobs(settings)
    try:
        await reachability.check_blobs(place, str(settings.vault_id))
    except reachability.UnreachableError as error:
        shown = re.sub(r"//[^/@]*@", "//", str(place).partition("?")[0])  # no password, no signature
        raise CannotRun(
            f"The bytes of files cannot be kept in {shown}: {error}. Correct --blobs, or what the environment says "
            "about it."
        ) from error


def _blobs(settings: Settings) -> str | Path:
    place = settings.blobs or settings.data_dir / "blobs"
    # A folder, however it is spelled: what is written there has to be flushed, which object stores do by themselves.
    return Path(unquote(urlsplit(place).path)) if isinstance(place, str) and place.startswith("file://") else place
