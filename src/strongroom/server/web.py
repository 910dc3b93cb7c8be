"""A web process: uvicorn on the supervisor's sockets, one Vault for as long as it lives."""

import gc
import signal
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn
import uvloop

from strongroom.config import Settings
from strongroom.server import lifeline, listening, open_files, preparation, tls_context
from strongroom.server.lifeline import Lifeline, Orders
from strongroom.server.preparation import Preparing
from strongroom.server.protocol import Bounds, EnvelopeProtocol

GRACE = 5  # seconds that open requests get at a stop
_KEEP_ALIVE = 75  # seconds; less than the 10 between two polls would cost every poll a TLS handshake

_Message = MutableMapping[str, Any]
Application = Callable[
    [_Message, Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]
]


@dataclass(frozen=True)
class Served:
    """What a web process serves; ``dismiss`` answers all who only wait for something, since the process stops."""

    application: Application
    dismiss: Callable[[], None]


Opening = Callable[[Settings], AbstractAsyncContextManager[Served]]
"""Opens what a web process serves, and closes it again."""


def run(prepare: Preparing, opening: Opening, report_to: int) -> int:
    """Serve until SIGTERM, or until the supervisor is gone; the exit code."""

    def serve(orders: Orders, line: Lifeline) -> None:
        uvloop.run(_serve(opening, orders, line))

    return lifeline.obey(report_to, "web", partial(preparation.run, prepare), serve)


class _Server(uvicorn.Server):
    """Says when it listens, and when it stops."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], dismiss: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._dismiss = dismiss

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # First: who waits for a job would be waited for, and cut off in the end.
        self._dismiss()
        await super().shutdown(sockets)

    def leave(self) -> None:
        """Stop taking connections, and end when those that are open are done."""
        self.should_exit = True


async def _serve(opening: Opening, orders: Orders, line: Lifeline) -> None:
    # uvicorn raises the signal that has stopped it once more when it is done: the Vault is still to be closed then.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    async with opening(orders.settings) as served:
        # All that is loaded stays: to look through it again and again would hold up requests for milliseconds.
        gc.collect()
        gc.freeze()
        server = _Server(_config(served.application, orders), line.ready, served.dismiss)
        with line.held(orders.settings, GRACE, server.leave):
            await server.serve(listening.adopt(orders.sockets))


def _config(application: Application, orders: Orders) -> uvicorn.Config:
    context = tls_context.server_context(orders.certificate) if orders.certificate else None
    settings = orders.settings
    bounds = Bounds(settings.head_seconds, settings.stall_seconds, open_files.allow_connections(settings.connections))
    protocol: Any = partial(EnvelopeProtocol, bounds)  # uvicorn calls it, and no more, but asks for a class
    return uvicorn.Config(
        application,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE,
        timeout_graceful_shutdown=GRACE,
        backlog=listening.BACKLOG,
        ssl_context_factory=(lambda _config, _default: context) if context else None,
    )
