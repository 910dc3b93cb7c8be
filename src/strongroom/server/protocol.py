"""HTTP as our web processes speak it: a connection mends and bounds what comes in, and answers what is no HTTP.

The parser alone says where a body ends. Heads are kept back until they are whole, mended, and given to it one by one.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

import httptools
import structlog
from uvicorn._types import ASGI3Application
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from strongroom.domain.errors import InvalidData, MethodNotSupported, VaultError
from strongroom.server import exchange, heads, refusal
from strongroom.server.refusal import Refusal

_LINGER = 2.0  # seconds between a refusal and the end: to close at once could take it away from a client that sends
_PIPELINED = 16  # requests that may wait for their turn
_WAITING_MAX = 1024 * 1024  # bytes that may wait behind them

_log = structlog.stdlib.get_logger("strongroom.server")


@dataclass(frozen=True)
class Bounds:
    """How long a head may take, how long silence may last (both in seconds), and how many connections there may be."""

    head_seconds: float
    stall_seconds: float
    connections: int


class EnvelopeProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        bounds: Bounds,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._head = b""  # a head that is not whole yet
        self._request: RequestResponseCycle | None = None  # the last one whose head has come
        self._answered: RequestResponseCycle | None = None  # the one whose turn it is
        self._in_body = False
        self._body_left: int | None = None  # None: the body is chunked
        self._body_end = b""  # the last bytes of a chunked body, in which its end may have begun
        self._waiting = b""  # what has come while enough requests wait for their turn
        self._framing = 0  # bytes of a chunked body since the last that were its content
        self._refused: Refusal | None = None
        self.idle_since = time.monotonic()  # the loop counts whole milliseconds
        self._head_timer: asyncio.TimerHandle | None = None
        self._stall_timer: asyncio.TimerHandle | None = None
        self._closing_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; when there are too many connections, the one that has been idle for longest makes room."""
        super().connection_made(transport)
        self._start_head_timer()
        if len(self.connections) > self._bounds.connections:
            self._find_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        for timer in (self._head_timer, self._stall_timer, self._closing_timer):
            if timer:
                timer.cancel()
        if self._answered and not self._answered.response_complete:
            # uvicorn tells the last request that has come, and here the turn may be that of an earlier one.
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        self._unset_keepalive_if_required()
        data = self._waiting + data
        try:
            while data and not self._refused and len(self.pipeline) < _PIPELINED:
                if self._in_body:
                    data = self._take_body(data)
                elif self._request and not self._request.keep_alive:
                    data = b""  # the last request has been: what follows it is nobody's
                else:
                    data = self._take_head(data)
            if len(data) > _WAITING_MAX:
                raise InvalidData(f"More than {_WAITING_MAX} bytes of requests wait for the replies to earlier ones.")
            self._waiting = data
        except VaultError as error:
            accept = exchange.accept_of(self.cycle) if self._in_body else heads.accepted(self._head)
            self._refuse(Refusal(error, accept=accept))

    def on_headers_complete(self) -> None:
        """Begin a request."""
        super().on_headers_complete()
        self._request, self._in_body = self.cycle, True
        self.headers = []  # for the trailers: they are none of the headers that the application has

    def on_body(self, body: bytes) -> None:
        """Take a part of a body."""
        self._framing = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """End a request."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Note the end of a reply; what came after that request may have waited for it."""
        self.idle_since = time.monotonic()  # the loop counts whole milliseconds
        last = not self.pipeline
        super().on_response_complete()
        if last and self._refused:
            self._end(self._refused)
        elif self._waiting:
            self.data_received(b"")
        if self.pipeline:
            self.flow.pause_reading()  # uvicorn reads on, and so would take any number of requests

    def pause_writing(self) -> None:
        """Note that the client does not take what it is sent. If that lasts, it is cut off."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """Note that it does."""
        if self._stall_timer:
            self._stall_timer.cancel()
            self._stall_timer = None
        super().resume_writing()

    def is_idle(self) -> bool:
        """Tell whether nothing would be lost if the connection were closed."""
        return not (self._is_answering() or self._head or self._waiting or self._refused or self.transport.is_closing())

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, exchange.watched(app, cycle, self._bounds.stall_seconds))

    def _take_head(self, data: bytes) -> bytes:
        """Take bytes of a head, and give it to the parser when it is whole; returns what follows it."""
        known = len(self._head)
        # Some clients send an empty line after a body.
        head = self._head + data if known else data.lstrip(b"\r\n")
        end = head.find(heads.END, max(known - 3, 0))
        if end < 0:
            self._head = head
            self._start_head_timer()
            heads.check_beginning(head, known)
            return b""
        if self._head_timer:
            self._head_timer.cancel()
            self._head_timer = None
        end += len(heads.END)
        self._head = head[:end]
        self._parse(heads.mended(self._head))
        self._head = b""
        if self._in_body:
            lengths = (value for name, value in self.scope["headers"] if name == b"content-length")
            self._body_left = next(map(int, lengths), None)
            self._body_end, self._framing = b"", 0
        return head[end:]

    def _take_body(self, data: bytes) -> bytes:
        """Give the parser bytes of a body, but none of what follows it; returns that."""
        if self._body_left is None:
            return self._take_chunks(data)
        piece = data[: self._body_left]
        self._body_left -= len(piece)
        self._parse(piece)
        return data[len(piece) :]

    def _take_chunks(self, data: bytes) -> bytes:
        """Do the same for chunks. They end with an empty line, as a head does: the parser is asked after each."""
        seen, start = self._body_end + data, len(self._body_end)
        view = memoryview(seen)
        while self._in_body and start < len(seen):
            end = seen.find(heads.END, max(start - 3, 0))
            stop = len(seen) if end < 0 else end + len(heads.END)
            self._framing += stop - start
            self._parse(view[start:stop])
            if self._framing > heads.HEAD_MAX:
                raise InvalidData(f"More than {heads.HEAD_MAX} bytes of a chunked body hold nothing of it.")
            start = stop
        self._body_end = seen[max(start - 3, 0) : start]
        return seen[start:]

    def _parse(self, data: bytes | memoryview) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserInvalidMethodError as error:
            raise MethodNotSupported("The request's method is none that this server knows.") from error
        except httptools.HttpParserCallbackError as error:
            raise InvalidData("The request's target cannot be read.") from error
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise InvalidData(f"The request is not valid HTTP: {error}.") from error

    def _refuse(self, refused: Refusal) -> None:
        """Answer with an error once all requests before it are answered; nothing that comes after it is read."""
        self._refused = refused
        _log.info("a request was refused", status=refused.status, reason=refused.error.message)
        if not self._in_body:
            if not self._is_answering():
                self._end(refused)
        elif self.pipeline:
            self.pipeline.popleft()  # it is this request, whose turn has not come yet
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self._end(refused)

    def _end(self, refused: Refusal) -> None:
        if self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self.flow.resume_reading()
        self.transport.write(refused.as_bytes())
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._closing_timer = self.loop.call_later(_LINGER, self.transport.abort)
        else:  # TLS has a farewell of its own, and waits for the client's
            self.transport.close()

    def _is_answering(self) -> bool:
        return self._request is not None and not self._request.response_complete

    def _start_head_timer(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self._bounds.head_seconds, self._end_late_head)

    def _end_late_head(self) -> None:
        self._head_timer = None
        if self._refused or self.transport.is_closing():
            return
        if self._is_answering():
            self._start_head_timer()  # nothing may have been read meanwhile
        elif self._head:
            self._refuse(refusal.head_too_late(self._bounds.head_seconds, heads.accepted(self._head)))
        else:
            self.transport.close()

    def _find_room(self) -> None:
        idle = [each for each in self.connections if isinstance(each, EnvelopeProtocol) and each.is_idle()]
        idle.remove(self)
        if idle:
            min(idle, key=lambda each: each.idle_since).transport.abort()
        else:
            self._refuse(refusal.too_many_connections(self._bounds.connections))

    def _watch_reader(self) -> None:
        unread = self.transport.get_write_buffer_size()

        def look() -> None:
            if self.transport.get_write_buffer_size() < unread:
                self._watch_reader()
            else:
                _log.info("a client that does not read its reply was cut off", unread=unread)
                self.transport.abort()

        self._stall_timer = self.loop.call_later(self._bounds.stall_seconds, look)
