"""The preparation of a database: its schema, what every Vault has, and the first admin."""

from strongroom import kinds
from strongroom.config import CannotRun, Settings
from strongroom.domain.seed import SeedError
from strongroom.main.vault import open_vault, reach, reach_blobs, refuse_newer
from strongroom.sdk import load
from strongroom.server import admin_password
from strongroom.services import housekeeping, seeding, system_jobs, users, vaults
from strongroom.store import migrations
from strongroom.store.database import Database
from strongroom.vault import Vault


async def prepare(settings: Settings, alone: bool = False) -> str | None:  # noqa: FBT001, FBT002 - passed on as it is
    """Bring the database up to date and make what every Vault has; gives the admin's password if it was thought up.

    Servers of several machines may do this at once: they take turns.
    ``alone``: no worker can be at work yet, so that what an earlier one had taken is given out again at once.
    """
    assert settings.database_url is not None
    await reach_blobs(settings)
    await reach(settings.database_url)
    database = Database.connect(settings.database_url, pool_size=4)
    try:
        async with migrations.turn(database):
            refuse_newer(await migrations.revision(database))
            await migrations.migrate(database)
            return await _furnish(settings, alone=alone)
    finally:
        await database.close()


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


async def _first_admin(vault: Vault) -> str | None:
    settings = vault.settings
    if await users.find(vault, settings.admin_user):
        return None
    given = settings.admin_password.get_secret_value() if settings.admin_password else None
    # Kept before it is used: a kill in between must not leave an admin whose password nobody knows.
    password = given or admin_password.thought_up(settings.data_dir)
    await vaults.ensure_admin(vault, settings.admin_user, password)
    return None if given else password
