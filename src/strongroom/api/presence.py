"""Waits for something on behalf of a client, but no longer than the client is there."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect

from strongroom.api.call import Call

Answer = TypeVar("Answer")


async def while_present(call: Call, deed: Coroutine[Any, Any, Answer]) -> Answer:
    """Give what ``deed`` gives; it is cancelled, and ``ClientDisconnect`` raised, when the client leaves before."""
    work, leaving = asyncio.create_task(deed), asyncio.ensure_future(call.gone())
    try:
        await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise ClientDisconnect
        return work.result()
    finally:
        for task in (work, leaving):
            task.cancel()
        await asyncio.gather(work, leaving, return_exceptions=True)
