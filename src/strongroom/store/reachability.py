"""Whether a database can be used at all: asked once, before anything else connects."""

import asyncpg

_PATIENCE = 10.0  # seconds


class UnreachableError(Exception):
    """The database cannot be reached; the message says why, in a part of a sentence without any password."""


async def check(url: str) -> None:
    """Connect once to ``url`` (``postgresql://...``); raises ``UnreachableError``."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE)
    except TimeoutError as error:
        raise UnreachableError(f"no answer within {_PATIENCE:g} seconds") from error
    except OSError as error:
        raise UnreachableError(error.strerror or str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise UnreachableError(str(error).partition("\n")[0].rstrip(".")) from error
    await connection.close()
