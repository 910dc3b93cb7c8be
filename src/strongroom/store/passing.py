"""Errors that pass: the database is away for a moment, or a disk is full, and whoever asked may ask again."""

import errno
import re

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from strongroom.domain.errors import StorageFull

# A lost connection; two transactions that stood in each other's way; one that was idle for too long, since its process
# was frozen; out of disk, memory or connections; starting or stopping; a disk that cannot be read or written.
_PASSING = re.compile(r"08...|40...|25P03|53...|57P..|58030")
_DISK_FULL = "53100"
_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
# The blob store's library gives the system's number in words only.
_NO_SPACE_IN_WORDS = re.compile(rf"\(os error ({'|'.join(map(str, _NO_SPACE))})\)")


def is_passing(error: BaseException) -> bool:
    """Whether an error speaks of what the server stands on just now, not of what was asked of it."""
    if isinstance(error, DBAPIError):
        known = error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
        return known or _PASSING.fullmatch(_state(error)) is not None
    if isinstance(error, asyncpg.PostgresError):
        return _PASSING.fullmatch(_state(error)) is not None
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # those are about what was asked
    return isinstance(error, ConnectionError | TimeoutError | StorageFull)


def is_full(error: BaseException) -> bool:
    """Whether an error of the database, the blob store or the system says that there is no space left."""
    if isinstance(error, DBAPIError | asyncpg.PostgresError):
        return _state(error) == _DISK_FULL
    if isinstance(error, StorageFull):
        return True
    if isinstance(error, OSError) and error.errno in _NO_SPACE:
        return True
    return _NO_SPACE_IN_WORDS.search(str(error)) is not None


def _state(error: DBAPIError | asyncpg.PostgresError) -> str:
    raised = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(raised, "sqlstate", None) or "")
