"""Seeding: what a seed describes is made in the Vault; what is there already stays as it is.

A user and a job definition are known by their names, a document by its external id (or its name, if it has none), a
staged item by its path. So a second start with the same seed file changes nothing. Document types, lifecycles and
fields are brought up to date.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import anyio

from strongroom import catalog
from strongroom.config import SAMPLE
from strongroom.domain import seed
from strongroom.domain.document_type import DocumentCatalog
from strongroom.domain.errors import InvalidData, ItemNameExists, VaultError
from strongroom.domain.seed import Seed, SeedError
from strongroom.domain.seed_jobs import JobDefinition
from strongroom.domain.user import User
from strongroom.services import document_types, file_staging, first_passwords, job_definitions, seed_documents, users
from strongroom.services.seed_file import load
from strongroom.services.users import NewUser
from strongroom.vault import Vault

__all__ = ["Made", "apply", "apply_settings", "load"]


@dataclass(frozen=True)
class Made:
    """How much was made: users, documents and staged items that were not there before."""

    users: int = 0
    documents: int = 0
    staged: int = 0


async def apply_settings(vault: Vault) -> Made:
    """Write what every Vault has, then the seed file (or the word ``sample``) that the settings name."""
    await apply(vault, load(catalog.standard()))
    wanted = vault.settings.seed
    if wanted is None:
        return Made()
    return await apply(vault, load(catalog.sample() if wanted == SAMPLE else wanted))


async def apply(vault: Vault, described: Seed) -> Made:
    """Write a seed as the user of the vault, who must be an admin; says how much was made.

    Raises ``SeedError`` with the place in the seed file. What came before that place has been made.
    """
    known = await _apply_catalog(vault, described)
    made_users = 0
    for number, user in enumerate(described.users, 1):
        with _at(described, f"[[users]] {number} ({user.user_name__v})"):
            made_users += await _user(vault, user)
    made_documents = 0
    for number, document in enumerate(described.documents, 1):
        with _at(described, f"[[documents]] {number} ({document.identity})"):
            made_documents += await seed_documents.write(vault, document, known)
    made_items = 0
    for number, item in enumerate(described.file_staging, 1):
        with _at(described, f"[[file_staging]] {number} ({item.path})"):
            made_items += await _staged(vault, item)
    for number, definition in enumerate(described.job_definitions, 1):
        with _at(described, f"[[job_definitions]] {number} ({definition.name})"):
            await _job_definition(vault, definition)
    return Made(made_users, made_documents, made_items)


async def _apply_catalog(vault: Vault, described: Seed) -> DocumentCatalog:
    async with vault.database.transaction() as connection:
        bound = vault.bound(connection)
        with _at(described, "[[document_types]]"):
            await document_types.apply_catalog(bound, described)
            known = await document_types.catalog(bound)
            for kind in known.types.values():
                for lifecycle in kind.lifecycles:
                    if lifecycle not in known.lifecycles:
                        raise InvalidData(f"[{kind.name}] names a lifecycle that does not exist: [{lifecycle}]")
    return known


async def _user(vault: Vault, described: seed.User) -> bool:
    if await users.find(vault, described.user_name__v) is not None:
        return False
    password = described.password or await anyio.to_thread.run_sync(
        first_passwords.made_up, vault.settings.data_dir, described.user_name__v
    )
    new = NewUser(
        name=described.user_name__v,
        first_name=described.user_first_name__v,
        last_name=described.user_last_name__v,
        email=described.user_email__v,
        password=password,
        timezone=described.user_timezone__v,
        locale=described.user_locale__v,
        language=described.user_language__v,
        security_profile=described.security_profile__v,
        license_type=described.license_type__v,
        active=described.active__v,
    )
    await users.create(vault, new)
    return True


async def _staged(vault: Vault, described: seed.StagedItem) -> bool:
    owner, path = vault, described.path
    if described.user_name__v is not None:
        user = await _existing(vault, described.user_name__v)
        owner, path = vault.as_user(user), f"{user.folder}/{described.path}"
    try:
        if described.file is None:
            await file_staging.create_folder(owner, path)
        else:
            await file_staging.check_can_create(owner, path)
            await file_staging.create_file(owner, path, await seed_documents.store(vault, described.file))
    except ItemNameExists:
        return False
    return True


async def _job_definition(vault: Vault, described: JobDefinition) -> None:
    if await job_definitions.find(vault, described.name) is not None:
        return
    owner = vault.user if described.owner is None else await _existing(vault, described.owner)
    # Workers tell of custom jobs when they have loaded them, which is later than this.
    await job_definitions.create(vault, described.definition(owner.id), known=False)


async def _existing(vault: Vault, name: str) -> User:
    user = await users.find(vault, name)
    if user is None:
        raise InvalidData(f"there is no user [{name}]")
    return user


@contextmanager
def _at(described: Seed, place: str) -> Iterator[None]:
    """Name the place in the seed file in whatever a service refuses."""
    try:
        yield
    except VaultError as error:
        raise SeedError(f"Seed file {described.source}, {place}: {error.message.rstrip('.')}.") from error
