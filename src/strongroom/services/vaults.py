"""The Vault itself: made on its first start, with the system user and the first admin."""

import secrets
from dataclasses import replace

from strongroom.domain.user import SYSTEM
from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.store import users as rows
from strongroom.vault import Vault, VaultInfo


async def prepare(vault: Vault) -> None:
    """Write what every Vault has, where it is missing: its own row and the system user."""
    info = vault.info
    system = {"id": SYSTEM.id, "name": SYSTEM.name, "first_name": SYSTEM.first_name, "last_name": SYSTEM.last_name}
    system |= {"email": SYSTEM.email, "security_profile": SYSTEM.security_profile}
    async with vault.database.transaction() as connection:
        await rows.add_vault(connection, info.id, info.name, info.timezone)
        await rows.add(connection, system)


async def ensure_admin(vault: Vault, name: str, password: str | None) -> str | None:
    """Make the first admin if there is no user of that name; gives the password if one had to be thought up."""
    if await users.find(vault, name) is not None:
        return None
    thought_up = None if password else secrets.token_urlsafe(18)
    email = name if "@" in name else f"{name}@localhost"
    new = NewUser(name, "Vault", "Admin", email, password or thought_up, security_profile="vault_owner__v")
    await users.create(vault.as_user(SYSTEM), new)
    return thought_up


async def info(vault: Vault) -> VaultInfo:
    """What the Vault is called, as its first start has settled it.

    The folder of its blobs carries the database's own mark: several Vaults may share a blob store, with the same id
    even, and a copy of a database is another one. What is swept there is what this database alone has written.
    """
    async with vault.database.reading() as connection:
        row = await rows.retrieve_vault(connection)
        mark = await rows.database_mark(connection)
    known = vault.info if row is None else VaultInfo(row.id, row.name, row.timezone)
    return replace(known, blob_folder=f"{known.id}/{mark}")
