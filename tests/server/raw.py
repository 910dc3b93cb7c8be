"""HTTP byte by byte: what a test sends is what arrives, and every byte that comes back is accounted for."""

import contextlib
import json
import socket
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
from tests.server.serving import DEADLINE, Running

HOST = b"Host: localhost\r\n"
LAST = b"GET /api/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
"""A good request, after which the server closes."""


@dataclass(frozen=True)
class Reply:
    """One reply, read as a strict client reads it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> tuple[str, str]:
        """Type and message of the first error of a JSON envelope."""
        envelope = json.loads(self.body)
        assert envelope["responseStatus"] == "FAILURE", envelope
        return envelope["errors"][0]["type"], envelope["errors"][0]["message"]

    @property
    def json(self) -> Any:
        """The body."""
        return json.loads(self.body)


def connect(server: Running) -> socket.socket:
    """A plain connection; each write goes out at once."""
    stream = socket.create_connection(("127.0.0.1", port_of(server)), timeout=DEADLINE)
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return stream


def port_of(server: Running) -> int:
    """The server's port."""
    return int(server.url.rpartition(":")[2])


def exchange(server: Running, *pieces: bytes) -> list[Reply]:
    """Send bytes on one connection, piece by piece, and read until the server closes; gives all replies.

    A server that closes after a last request has not read what comes behind it, so the system may say "reset".
    """
    with connect(server) as stream:
        send(stream, pieces)
        return replies(rest_or_reset(stream))


def send(stream: socket.socket, pieces: Iterable[bytes]) -> None:
    """Send; the server may close before it was all sent."""
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            stream.sendall(piece)


def rest(stream: socket.socket) -> bytes:
    """All that comes until the server closes."""
    received = bytearray()
    while more := stream.recv(65536):
        received += more
    return bytes(received)


def rest_or_reset(stream: socket.socket) -> bytes:
    """The same for a server that may close before it has read all that it was sent."""
    received = b""
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while more := stream.recv(65536):
            received += more
    return received


def one(stream: socket.socket) -> Reply:
    """The next reply on a connection that stays open."""
    received = b""
    while True:
        head, end, body = received.partition(b"\r\n\r\n")
        if end and len(body) >= int(_headers(head).get("content-length", 0)):
            (reply,) = replies(received)
            return reply
        more = stream.recv(65536)
        assert more, received
        received += more


def replies(received: bytes) -> list[Reply]:
    """Cut what was received into replies. Each must say its length, and nothing may be left over."""
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        assert end, head
        version, status, *_ = head.split(b"\r\n")[0].split(b" ")
        assert version == b"HTTP/1.1"
        headers = _headers(head)
        if status == b"100":
            continue
        length = int(headers["content-length"])
        assert len(received) >= length, (head, received)
        found.append(Reply(int(status), headers, received[:length]))
        received = received[length:]
    return found


def wait_until_closed(web: psutil.Process, streams: Sequence[socket.socket]) -> None:
    """Wait until the server has closed its side of these connections."""
    ours, deadline = {stream.getsockname()[1] for stream in streams}, time.monotonic() + DEADLINE
    while any(ours.intersection(each.raddr[1:]) for each in web.net_connections()):
        assert time.monotonic() < deadline, "clients that do not read are not cut off"
        time.sleep(0.1)


def log_in(server: Running) -> str:
    """A session of the admin."""
    form = {"username": "admin@localhost", "password": (server.data_dir / "admin-password").read_text().strip()}
    reply = httpx.post(f"{server.url}/api/v26.1/auth", data=form, timeout=DEADLINE)
    session: str = reply.json()["sessionId"]
    return session


def _headers(head: bytes) -> dict[str, str]:
    lines = (line.decode("latin-1").partition(": ") for line in head.split(b"\r\n")[1:])
    return {name.lower(): value for name, _, value in lines}
