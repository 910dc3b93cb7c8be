"""Sessions: begun by a login, renewed by use, ended by the user or by time."""

import contextlib
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from strongroom.domain.errors import (
    AuthenticationFailed,
    InactiveUser,
    InvalidSessionId,
    NoPasswordProvided,
    ParameterRequired,
    StorageFull,
    UserLockedOut,
)
from strongroom.domain.user import User
from strongroom.services import passwords
from strongroom.store import users as rows
from strongroom.vault import Vault

# A used session is written back at most this often.
_RENEWAL = timedelta(minutes=1)
# No user has a longer name, and nothing of what is sent longer is kept.
_NAME_MAX = 255

LOCK_OUT_FAILURES = 10
"""This many failed logins within ``LOCK_OUT_WINDOW`` lock a user name out until the oldest of them is past it."""
LOCK_OUT_WINDOW = timedelta(minutes=10)


@dataclass(frozen=True)
class AuthenticatedSession:
    """A session that has begun: its token, shown once and stored hashed, and its user."""

    token: str
    user: User


async def authenticate(vault: Vault, username: str | None, password: str | None) -> AuthenticatedSession:
    """Log in by name and password."""
    if not username:
        raise ParameterRequired.of("username")
    if not password:
        raise NoPasswordProvided
    if len(username) > _NAME_MAX:
        shown = f"{username[:_NAME_MAX]}... ({len(username)} characters; a user name has {_NAME_MAX} at most)"
        raise AuthenticationFailed(f"Authentication failed for user: {shown}.")
    now = vault.clock.now()
    user = await _verified(vault, username, password, now)
    token = secrets.token_hex(64).upper()
    async with vault.database.transaction() as connection:
        await rows.forget_login_failures(connection, username)
        await rows.add_session(connection, _hash(token), user.id, now)
        await rows.set_values(connection, user.id, {"last_login": now})
    return AuthenticatedSession(token, user)


async def resolve(vault: Vault, token: str) -> User:
    """The user of a session, which is renewed by this."""
    now = vault.clock.now()
    found = await vault.database.read_together(rows.find_sessions, _hash(token))
    used_after, created_after = _expiry(vault, now)
    if found is None or found.last_used_date <= used_after or found.created_date <= created_after:
        raise InvalidSessionId
    if now - found.last_used_date > _RENEWAL:
        with contextlib.suppress(StorageFull):  # who only reads can go on reading
            await _renew(vault, token, now)
    return found.user


async def keep_alive(vault: Vault, token: str) -> None:
    """Renew a session that has not expired."""
    await resolve(vault, token)
    await _renew(vault, token, vault.clock.now())


async def end(vault: Vault, token: str) -> None:
    """End a session; the user's others go on."""
    async with vault.database.transaction() as connection:
        if not await rows.end_session(connection, _hash(token)):
            raise InvalidSessionId


async def remove_expired(vault: Vault) -> int:
    """Delete the sessions that have expired, and the failures that lock nobody out; returns how many sessions."""
    async with vault.database.transaction() as connection:
        await rows.remove_login_failures(connection, vault.clock.now() - LOCK_OUT_WINDOW)
        return await rows.remove_expired_sessions(connection, *_expiry(vault, vault.clock.now()))


async def _verified(vault: Vault, username: str, password: str, now: datetime) -> User:
    async with vault.database.reading() as connection:
        failures = await rows.login_failure_count(connection, username, now - LOCK_OUT_WINDOW)
        found = await rows.by_name(connection, username)
    if failures >= LOCK_OUT_FAILURES:
        raise UserLockedOut(f"User [{username}] is locked out after {failures} failed logins; try again later.")
    user, password_hash = found or (None, None)
    # An unknown name costs the same time as a wrong password: names cannot be found out by the clock.
    if not await passwords.verify(password_hash, password) or user is None:
        async with vault.database.transaction() as connection:
            await rows.add_login_failure(connection, username, now)
        raise AuthenticationFailed(f"Authentication failed for user: {username}.")
    if not user.active:
        raise InactiveUser(f"User [{username}] is inactive.")
    return user


async def _renew(vault: Vault, token: str, now: datetime) -> None:
    async with vault.database.transaction() as connection:
        await rows.use_session(connection, _hash(token), now)


def _expiry(vault: Vault, now: datetime) -> tuple[datetime, datetime]:
    idle = timedelta(minutes=vault.settings.session_idle_minutes)
    life = timedelta(hours=vault.settings.session_life_hours)
    return now - idle, now - life


def _hash(token: str) -> bytes:
    # The token has 512 random bits: a plain hash is as good as a slow one.
    return hashlib.sha256(token.encode()).digest()
