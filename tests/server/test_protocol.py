"""What the HTTP parser refuses, and heads without end, over raw sockets."""

import contextlib
import json
import socket
import ssl

import pytest
from tests.server.serving import DEADLINE, Running, Starting


def exchange(server: Running, sent: bytes) -> tuple[bytes, dict[str, object]]:
    """Send bytes and read until the server closes; gives the head and the envelope."""
    trust = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")
    port = int(server.url.rpartition(":")[2])
    received = b""
    with (
        socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as stream,
    ):
        with contextlib.suppress(OSError):  # the server may close before it was all sent
            stream.sendall(sent)
        while more := stream.recv(65536):
            received += more
    head, _, body = received.partition(b"\r\n\r\n")
    return head, json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"FOO /api/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /api/ HTTP/1.1\r\nHost: localhost\r\nsuppressRendition=: true\r\n\r\n",
        b"GET /api/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"not http at all\r\n\r\n",
    ],
)
def test_what_is_no_valid_request_is_answered_in_the_envelope(start: Starting, sent: bytes) -> None:
    head, body = exchange(start(), sent)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"content-type: application/json;charset=UTF-8" in head
    assert body["responseStatus"] == "FAILURE"


def test_a_head_without_end_is_cut_off_and_the_next_client_served(start: Starting) -> None:
    server = start()
    endless = b"GET /api/ HTTP/1.1\r\nHost: localhost\r\n" + b"X-More: " + b"x" * 700_000
    head, body = exchange(server, endless)
    assert head.startswith(b"HTTP/1.1 400 ")
    assert "65536 bytes" in json.dumps(body)
    assert server.get("/api/")[0] == 200


def test_large_bodies_are_no_heads_whatever_comes_in_one_piece(start: Starting) -> None:
    server = start("--no-tls")
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    request = b"POST /api/v26.1/auth HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    body = b"username=nobody&password=" + b"x" * 300_000
    with socket.create_connection((host, int(port)), timeout=DEADLINE) as stream:
        for _ in range(3):
            stream.sendall(request + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            received = b""
            while b"}" not in received:
                received += stream.recv(65536)
            assert received.startswith(b"HTTP/1.1 200 "), received
            assert b"USERNAME_OR_PASSWORD_INCORRECT" in received
