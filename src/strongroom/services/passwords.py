"""Passwords: hashed with argon2, in a thread, since that takes its time on purpose."""

from functools import cache

import anyio
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


async def hashed(password: str) -> str:
    """The hash of a password, with its salt and parameters."""
    return await anyio.to_thread.run_sync(_hasher().hash, password)


async def verify(password_hash: str | None, password: str) -> bool:
    """Whether a password fits its hash; without a hash it takes as long and is False."""
    fits = await anyio.to_thread.run_sync(_fits, password_hash or _stand_in(), password)
    return fits and password_hash is not None


def _fits(password_hash: str, password: str) -> bool:
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


@cache
def _hasher() -> PasswordHasher:
    # RFC 9106's second choice, with less memory: a web process has little to spare, and logins are few.
    return PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


@cache
def _stand_in() -> str:
    return _hasher().hash("nobody's password")
