import hashlib
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from strongroom.domain.errors import (
    AuthenticationFailed,
    InvalidSessionId,
    NoPasswordProvided,
    ParameterRequired,
    UserLockedOut,
)
from strongroom.services import sessions, users
from strongroom.services.users import NewUser
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ADMIN, PASSWORD = "admin@localhost", "a password for tests"


def at(vault: Vault, **offset: float) -> Vault:
    return replace(vault, clock=Clock(timedelta(**offset)))


async def test_a_token_is_128_upper_case_hex_digits_and_is_not_what_is_stored(vault: Vault, database_url: str) -> None:
    session = await sessions.authenticate(vault, ADMIN, PASSWORD)
    assert len(session.token) == 128
    assert set(session.token) <= set("0123456789ABCDEF")
    connection = await asyncpg.connect(database_url)
    try:
        stored = await connection.fetchval("SELECT token_hash FROM sessions")
    finally:
        await connection.close()
    assert stored != bytes.fromhex(session.token)
    assert len(stored) == 32


async def test_user_names_are_compared_without_case(vault: Vault) -> None:
    assert (await sessions.authenticate(vault, ADMIN.upper(), PASSWORD)).user.name == ADMIN


async def test_a_session_ends_20_minutes_after_its_last_use(vault: Vault) -> None:
    token = (await sessions.authenticate(vault, ADMIN, PASSWORD)).token
    await sessions.resolve(at(vault, minutes=19), token)
    await sessions.resolve(at(vault, minutes=38), token)
    with pytest.raises(InvalidSessionId):
        await sessions.resolve(at(vault, minutes=59), token)
    with pytest.raises(InvalidSessionId):
        await sessions.keep_alive(at(vault, minutes=59), token)


async def test_a_session_ends_48_hours_after_its_beginning_however_often_it_is_used(vault: Vault) -> None:
    token = (await sessions.authenticate(vault, ADMIN, PASSWORD)).token
    for minutes in range(15, 48 * 60, 15):
        await sessions.keep_alive(at(vault, minutes=minutes), token)
    with pytest.raises(InvalidSessionId):
        await sessions.resolve(at(vault, hours=48, seconds=1), token)


async def test_ending_one_session_leaves_the_others(vault: Vault) -> None:
    first = await sessions.authenticate(vault, ADMIN, PASSWORD)
    second = await sessions.authenticate(vault, ADMIN, PASSWORD)
    await sessions.end(vault, first.token)
    with pytest.raises(InvalidSessionId):
        await sessions.resolve(vault, first.token)
    with pytest.raises(InvalidSessionId):
        await sessions.end(vault, first.token)
    assert (await sessions.resolve(vault, second.token)).name == ADMIN


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        (ADMIN, "wrong", AuthenticationFailed),
        ("nobody@localhost", "wrong", AuthenticationFailed),
        (ADMIN, "", NoPasswordProvided),
        (ADMIN, None, NoPasswordProvided),
        (None, PASSWORD, ParameterRequired),
        ("System", "anything", AuthenticationFailed),
        # Longer than any name, and too long for an index, which packs what repeats itself.
        pytest.param(hashlib.shake_256().hexdigest(100_000), "wrong", AuthenticationFailed, id="long"),
    ],
)
async def test_logins_that_fail(
    vault: Vault, username: str | None, password: str | None, error: type[Exception]
) -> None:
    with pytest.raises(error) as refused:
        await sessions.authenticate(vault, username, password)
    assert len(str(refused.value)) < 400


async def test_too_many_failures_lock_a_name_out_for_a_while(vault: Vault) -> None:
    await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", "right"))
    for _ in range(sessions.LOCK_OUT_FAILURES):
        with pytest.raises(AuthenticationFailed):
            await sessions.authenticate(vault, "nora@acme.example", "wrong")
    with pytest.raises(UserLockedOut):
        await sessions.authenticate(vault, "Nora@acme.example", "right")
    await sessions.authenticate(vault, ADMIN, PASSWORD)
    later = at(vault, minutes=11)
    assert (await sessions.authenticate(later, "nora@acme.example", "right")).user.first_name == "Nora"
