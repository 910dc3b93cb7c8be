"""A real HTTP server that receives webhooks: it keeps what has come, and answers as it is told."""

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from strongroom.domain.webhook import signature

SECRET = "a-secret-between-two"
PATIENCE = 60.0


@dataclass(frozen=True)
class Received:
    """One request. ``told`` is its body."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found

    @property
    def step(self) -> tuple[int, str, int]:
        """Which job, which status, which attempt."""
        return self.told["job_id"], self.told["status"], self.told["attempt"]

    def is_signed_with(self, secret: str) -> bool:
        signed = self.headers["X-Strongroom-Signature"]
        moment = int(signed.partition(",")[0].removeprefix("t="))
        assert abs(moment - time.time()) < 2 * PATIENCE
        return signed == signature(secret, moment, self.body)


@dataclass(frozen=True)
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    # Bytes that follow for as long as somebody reads them.
    endless: bytes = b""


@dataclass
class Receiver:
    """What has come, and how the next one is answered."""

    port: int
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Answer] = lambda _: Answer()
    sent: int = 0

    def url(self, path: str = "/hook", host: str = "127.0.0.1", scheme: str = "http") -> str:
        return f"{scheme}://{host}:{self.port}{path}"

    @property
    def steps(self) -> list[tuple[int, str, int]]:
        return [each.step for each in self.received]


@contextmanager
def receiving(host: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Receive on a free port for as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Received(self.path, dict(self.headers), body)
            receiver.received.append(request)
            with suppress(OSError):  # who was to be answered has gone away
                self._answer(receiver.answer(request))

        def _answer(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            if not answer.endless:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body)
            while answer.endless:
                self.wfile.write(answer.endless)
                receiver.sent += len(answer.endless)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's own name
            """Keep the output of the tests clean."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that breaks off is no fault of the receiver's."""

    server = Server((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    receiver = Receiver(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
