"""One request and its reply: bodies that stall, bodies that nobody reads, and requests that a stop cuts off."""

import asyncio
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from uvicorn._types import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPDisconnectEvent,
    Scope,
)
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from strongroom.api.reply import AT_ONCE
from strongroom.server import refusal

_GONE: HTTPDisconnectEvent = {"type": "http.disconnect"}

_log = structlog.stdlib.get_logger("strongroom.server")


def watched(application: ASGI3Application, cycle: RequestResponseCycle, patience: float) -> ASGI3Application:
    """Give the application as it is to be called for this request; ``patience`` is for silence, in seconds."""

    async def call(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        if cycle.disconnected:
            return  # it was refused for its body before it was even begun
        try:
            if cycle.more_body:
                await _call_with_body(application, _Exchange(cycle, receive, send, patience), scope)
            else:
                offered: Any = {**scope, AT_ONCE: partial(_send_at_once, cycle)}
                await application(offered, receive, send)
        except asyncio.CancelledError:  # uvicorn does this to what still runs when its patience with a stop is over
            await _cut_off(cycle, send)

    return call


async def _send_at_once(
    cycle: RequestResponseCycle, status: int, headers: list[tuple[bytes, bytes]], body: bytes
) -> None:
    """Do what uvicorn does with the two messages of a reply whose length its headers say."""
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    assert not cycle.response_started, "a reply is sent once"
    cycle.response_started = cycle.response_complete = True
    if not cycle.keep_alive:
        headers = [*headers, (b"connection", b"close")]
    lines = b"\r\n".join(map(b": ".join, cycle.default_headers + headers))
    sent = b"" if cycle.scope["method"] == "HEAD" else body
    cycle.transport.write(b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], lines, sent))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


@dataclass
class _Exchange:
    """A request whose body had not come whole when its application was called."""

    cycle: RequestResponseCycle
    receive: ASGIReceiveCallable
    send: ASGISendCallable
    patience: float
    stalled: bool = False
    asked_for_nothing: bool = False
    """The client waits to be told to go on, and never was: it may or may not send its body."""

    async def receiving(self) -> ASGIReceiveEvent:
        """Wait for a part of the body. A client that is silent for too long is as good as gone."""
        if self.stalled:
            return _GONE
        if not self.cycle.more_body or self.cycle.response_started:
            return await self.receive()
        try:
            async with asyncio.timeout(self.patience):
                return await self.receive()
        except TimeoutError:
            self.stalled = True
            return _GONE

    async def sending(self, message: ASGISendEvent) -> None:
        """Send a part of the reply; its end waits for the end of the body.

        To close while the client still sends would reset the connection, and could take the reply away from it.
        """
        if not self.cycle.response_started and self.cycle.waiting_for_100_continue:
            self.asked_for_nothing, self.cycle.keep_alive = True, False
        if (
            message["type"] == "http.response.body"
            and not message.get("more_body")
            and self.cycle.more_body
            and not self.asked_for_nothing
        ):
            await self.send({"type": "http.response.body", "body": message.get("body", b""), "more_body": True})
            await self._drain()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self.send(message)

    async def _drain(self) -> None:
        try:
            async with asyncio.timeout(self.patience):
                while self.cycle.more_body and not self.cycle.disconnected:
                    await self.receive()
        except TimeoutError:
            self.cycle.keep_alive = False


async def _call_with_body(application: ASGI3Application, exchange: _Exchange, scope: Scope) -> None:
    await application(scope, exchange.receiving, exchange.sending)
    cycle = exchange.cycle
    if exchange.stalled and not cycle.response_started and not cycle.disconnected:
        await refusal.body_stalled(exchange.patience, accept_of(cycle)).send(exchange.send)


async def _cut_off(cycle: RequestResponseCycle, send: ASGISendCallable) -> None:
    _log.warning("a request was cut off by the stop", method=cycle.scope["method"], path=cycle.scope["path"])
    if cycle.response_started:
        cycle.disconnected = True
        cycle.transport.abort()
    elif not cycle.disconnected:
        await refusal.stopping(accept_of(cycle)).send(send)


def accept_of(cycle: RequestResponseCycle) -> str | None:
    """The header ``Accept`` of a request."""
    for name, value in cycle.scope["headers"]:
        if name == b"accept":
            return value.decode("latin-1")
    return None
