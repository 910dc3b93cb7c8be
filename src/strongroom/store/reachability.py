"""Whether a database and a place for blobs can be used at all: asked once, before anything else connects."""

import re
import secrets
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import asyncpg
import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import ObjectStore, from_url

from strongroom.store.blobs import Blobs

_PATIENCE = 10.0  # seconds


class UnreachableError(Exception):
    """It cannot be reached; the message says why, in a part of a sentence without any password."""


async def check(url: str) -> None:
    """Connect once to the database ``url`` (``postgresql://...``); raises ``UnreachableError``."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE)
    except TimeoutError as error:
        raise UnreachableError(f"no answer within {_PATIENCE:g} seconds") from error
    except OSError as error:
        raise UnreachableError(error.strerror or str(error)) from error
    except (asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise UnreachableError(str(error).partition("\n")[0].rstrip(".")) from error
    await connection.close()


async def check_blobs(place: str | Path, folder: str) -> None:
    """Write an empty blob below ``folder`` and delete it again; raises ``UnreachableError``.

    An empty one, so that a server starts on a full disk, too, and gives what it has.
    """
    key = f"{folder}/{secrets.token_hex(16)}"
    try:
        store = _impatient(place) if isinstance(place, str) and "://" in place else Blobs.open(place).store
        await obstore.put_async(store, key, b"")
        with suppress(NotFoundError, FileNotFoundError):
            await obstore.delete_async(store, key)
    except OSError as error:
        raise UnreachableError(error.strerror or _first_words(error)) from error
    except (BaseError, ValueError) as error:
        raise UnreachableError(_first_words(error)) from error


def _impatient(url: str) -> ObjectStore:
    """The object store as ``Blobs`` opens it, but one that does not try again and again.

    Time-outs of the client would be shorter still, but to give them makes the library forget what the environment says
    about the client, such as ``AWS_ALLOW_HTTP``.
    """
    return from_url(url, retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=_PATIENCE)})


def _first_words(error: Exception) -> str:
    """What went wrong, without the pages of detail that follow, and without queries: they may hold a signature."""
    words = str(error).strip().partition("\n")[0].rstrip(".")
    return re.sub(r"\?\S+", "", re.sub(r"^Generic \S+ error: ", "", words))
