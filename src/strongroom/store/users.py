"""Rows of the Vault, its users and their sessions."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from strongroom.domain.page import Window
from strongroom.domain.user import User
from strongroom.store.database import Connection, driver
from strongroom.store.tables import login_failures, sessions, users, vaults

_FIELDS = tuple(column for column in users.c if column.name != "password_hash")
_RETRIEVE = f"SELECT {', '.join(column.name for column in _FIELDS)} FROM users WHERE id = ANY($1::integer[])"  # noqa: S608 - our own columns


async def add_vault(connection: Connection, vault_id: int, name: str, timezone: str) -> None:
    """Write the one row of the Vault itself; an existing one stays as it is."""
    await connection.execute(upsert(vaults).values(id=vault_id, name=name, timezone=timezone).on_conflict_do_nothing())


async def retrieve_vault(connection: Connection) -> Row[Any] | None:
    """The row of the Vault: id, name, timezone."""
    return (await connection.execute(select(vaults).order_by(vaults.c.created_date).limit(1))).one_or_none()


async def database_mark(connection: Connection) -> str:
    """A short text that no other database has, copies of this one on another server included."""
    found = await connection.execute(
        text("SELECT system_identifier, oid FROM pg_control_system(), pg_database WHERE datname = current_database()")
    )
    return hashlib.sha256(repr(tuple(found.one())).encode()).hexdigest()[:16]


async def add(connection: Connection, values: dict[str, Any]) -> int | None:
    """Insert a user; None if the name is taken."""
    made: int | None = await connection.scalar(
        upsert(users).values(**values).on_conflict_do_nothing().returning(users.c.id)
    )
    return made


async def retrieve(connection: Connection, user_ids: Sequence[int]) -> list[User | None]:
    """Users in the order of their ids as given; None for one that there is not."""
    rows = await (await driver(connection)).fetch(_RETRIEVE, user_ids)
    found = {row["id"]: User(**row) for row in rows}
    return [found.get(user_id) for user_id in user_ids]


async def by_name(connection: Connection, name: str) -> tuple[User, str | None] | None:
    """A user by name (case does not matter) with the password's hash, or None."""
    row = (await connection.execute(select(users).where(func.lower(users.c.name) == name.lower()))).one_or_none()
    return None if row is None else (_user(row), row.password_hash)


async def page(connection: Connection, window: Window, *, descending: bool) -> tuple[list[User], int]:
    """Users in the order of their ids, and how many there are."""
    total = await connection.scalar(select(func.count()).select_from(users))
    order = users.c.id.desc() if descending else users.c.id
    rows = await connection.execute(select(*_FIELDS).order_by(order).limit(window.limit).offset(window.offset))
    return [_user(row) for row in rows], total or 0


async def set_values(connection: Connection, user_id: int, values: dict[str, Any]) -> None:
    """Change columns of a user."""
    await connection.execute(update(users).where(users.c.id == user_id).values(**values))


async def add_session(connection: Connection, token_hash: bytes, user_id: int, now: datetime) -> None:
    """Begin a session."""
    await connection.execute(
        insert(sessions).values(token_hash=token_hash, user_id=user_id, created_date=now, last_used_date=now)
    )


@dataclass(frozen=True)
class Session:
    """A session of an active user; whether it has expired is for the reader to say."""

    user: User
    created_date: datetime
    last_used_date: datetime


async def find_sessions(connection: Connection, token_hashes: Sequence[bytes]) -> list[Session | None]:
    """The sessions of tokens, in the order of their hashes; None for one that there is not."""
    rows = await connection.execute(
        select(*_FIELDS, sessions.c.token_hash, sessions.c.created_date.label("begun"), sessions.c.last_used_date)
        .join(sessions, sessions.c.user_id == users.c.id)
        .where(sessions.c.token_hash.in_(token_hashes), users.c.active)
    )
    found = {bytes(row.token_hash): Session(_user(row), row.begun, row.last_used_date) for row in rows}
    return [found.get(token_hash) for token_hash in token_hashes]


async def use_session(connection: Connection, token_hash: bytes, now: datetime) -> None:
    """Note that a session was used."""
    await connection.execute(update(sessions).where(sessions.c.token_hash == token_hash).values(last_used_date=now))


async def end_session(connection: Connection, token_hash: bytes) -> bool:
    """Delete a session; False if there was none."""
    found = await connection.scalar(
        delete(sessions).where(sessions.c.token_hash == token_hash).returning(sessions.c.user_id)
    )
    return found is not None


async def remove_expired_sessions(connection: Connection, used_before: datetime, created_before: datetime) -> int:
    """Delete the sessions that have expired; returns how many."""
    result = await connection.execute(
        delete(sessions).where((sessions.c.last_used_date <= used_before) | (sessions.c.created_date <= created_before))
    )
    return result.rowcount


async def add_login_failure(connection: Connection, name: str, now: datetime) -> None:
    """Note a failed login."""
    await connection.execute(insert(login_failures).values(user_name=name.lower(), failed_date=now))


async def login_failure_count(connection: Connection, name: str, since: datetime) -> int:
    """How many logins of a user name have failed since a moment."""
    count = await connection.scalar(
        select(func.count())
        .select_from(login_failures)
        .where(login_failures.c.user_name == name.lower(), login_failures.c.failed_date > since)
    )
    return count or 0


async def remove_login_failures(connection: Connection, until: datetime) -> None:
    """Delete the failures up to a moment."""
    await connection.execute(delete(login_failures).where(login_failures.c.failed_date <= until))


async def forget_login_failures(connection: Connection, name: str) -> None:
    """Delete the failures of a user who has logged in."""
    await connection.execute(delete(login_failures).where(login_failures.c.user_name == name.lower()))


def _user(row: Any) -> User:
    return User(**{column.name: row._mapping[column.name] for column in _FIELDS})  # noqa: SLF001 (SQLAlchemy's public name)
