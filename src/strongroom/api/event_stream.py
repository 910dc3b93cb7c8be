"""Server-sent events: a reply that goes on, one event after the other, for as long as there is something to tell."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

MEDIA = "text/event-stream"
KEEP_ALIVE = b": keep-alive\n\n"
"""A comment: it shows to both sides that the other is there, and is no event."""


class EventStream(StreamingResponse):
    """A reply made of the events that a generator gives; that is closed when the client leaves."""

    def __init__(self, events: AsyncGenerator[bytes, None]) -> None:
        # What stands in between must not collect events before it passes them on.
        super().__init__(events, headers={"content-type": MEDIA, "x-accel-buffering": "no"})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)


def written(name: str, place: int, data: dict[str, Any]) -> bytes:
    """Write one event; ``place`` is what a client that has lost the connection says it had last."""
    return b"event: %s\nid: %d\ndata: %s\n\n" % (name.encode(), place, msgspec.json.encode(data))
