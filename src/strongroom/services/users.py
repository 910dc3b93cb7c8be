"""Users: made, retrieved, listed."""

from dataclasses import dataclass
from zoneinfo import available_timezones

from strongroom.domain.errors import InsufficientAccess, InvalidData, ParameterRequired
from strongroom.domain.page import Page, Window
from strongroom.domain.user import User
from strongroom.services import passwords
from strongroom.store import users as rows
from strongroom.vault import Vault

SECURITY_PROFILES = frozenset(
    {
        "business_admin__v",
        "document_user__v",
        "external_user__v",
        "read_only_user__v",
        "system_admin__v",
        "vault_owner__v",
        "view_based_user__v",
    }
)
LICENSE_TYPES = frozenset({"full__v", "external__v", "read_only__v", "learner_user__v"})


@dataclass(frozen=True)
class NewUser:
    """What a user is made of; without a password nobody can log in as that user."""

    name: str
    first_name: str
    last_name: str
    email: str
    password: str | None = None
    timezone: str = "UTC"
    locale: str = "en_US"
    language: str = "en"
    security_profile: str = "document_user__v"
    license_type: str = "full__v"
    active: bool = True


async def create(vault: Vault, new: NewUser) -> int:
    """Make a user; returns the id. Only admins may."""
    if not vault.user.is_admin:
        raise InsufficientAccess(f"User [{vault.user.id}] may not create users.")
    _check(new)
    now = vault.clock.now()
    values = {name: getattr(new, name) for name in NewUser.__dataclass_fields__ if name != "password"}
    values |= {
        "password_hash": await passwords.hashed(new.password) if new.password else None,
        "created_date": now,
        "created_by": vault.user.id,
        "modified_date": now,
        "modified_by": vault.user.id,
    }
    async with vault.database.transaction() as connection:
        made = await rows.add(connection, values)
    if made is None:
        raise InvalidData(f"There is a user [{new.name}] already.")
    return made


async def retrieve(vault: Vault, user_id: int) -> User:
    """One user."""
    user = await vault.database.read_together(rows.retrieve, user_id)
    if user is None:
        raise InvalidData(f"There is no user [{user_id}].")
    return user


async def find(vault: Vault, name: str) -> User | None:
    """A user by name (case does not matter), or None."""
    async with vault.database.reading() as connection:
        found = await rows.by_name(connection, name)
    return None if found is None else found[0]


async def list_users(vault: Vault, window: Window, *, descending: bool = False) -> Page[User]:
    """Users in the order of their ids."""
    async with vault.database.reading() as connection:
        found, total = await rows.page(connection, window, descending=descending)
    return Page(found, total, window)


def _check(new: NewUser) -> None:
    for field, value in (
        ("user_name__v", new.name),
        ("user_first_name__v", new.first_name),
        ("user_last_name__v", new.last_name),
        ("user_email__v", new.email),
    ):
        if not value:
            raise ParameterRequired.of(field)
        if len(value) > 255:
            raise InvalidData(f"[{field}] has {len(value)} characters; 255 are the most.")
    if new.timezone not in available_timezones():
        raise InvalidData(f"[user_timezone__v] is not a known time zone: [{new.timezone}].")
    if new.security_profile not in SECURITY_PROFILES:
        raise InvalidData(f"[security_profile__v] is not a known profile: [{new.security_profile}].")
    if new.license_type not in LICENSE_TYPES:
        raise InvalidData(f"[license_type__v] is not a known licence type: [{new.license_type}].")
