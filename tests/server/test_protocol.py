"""Over TLS, whose farewell is another than that of plain connections: what is refused, too slow, or not read."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import DEADLINE, Running, shared_server

MIB = 1024 * 1024
GET = b"GET /api/ HTTP/1.1\r\n" + HOST


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Running]:
    """A server with small bounds."""
    options = ("--workers", 0, "--limits", "off", "--head-seconds", 2, "--stall-seconds", 4)
    with shared_server(postgres_url, *options) as running:
        yield running


@contextmanager
def connection(server: Running) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", raw.port_of(server)), timeout=DEADLINE) as plain,
        trust(server).wrap_socket(plain, server_hostname="localhost") as stream,
    ):
        yield stream


def trust(server: Running) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")


@pytest.mark.parametrize(
    ("sent", "status", "message"),
    [
        (b"FOO /api/ HTTP/1.1\r\n" + HOST + b"\r\n", 400, "method"),
        (b"not http at all\r\n\r\n" + LAST, 400, "begin"),
        (GET + b"X: " + b"x" * 700_000, 400, "65536 bytes"),
        (GET, 408, "within 2 seconds"),
        (b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nusername=", 408, "for 4 seconds"),
    ],
)
def test_it_is_answered_in_the_envelope_and_closed(server: Running, sent: bytes, status: int, message: str) -> None:
    with connection(server) as stream:
        raw.send(stream, [sent])
        (reply,) = raw.replies(raw.rest(stream))
    assert reply.status == status
    assert message in reply.error[1]
    assert server.get("/api/")[0] == 200


def test_a_large_body_that_nobody_reads_does_not_cost_the_reply(server: Running) -> None:
    with connection(server) as stream:
        stream.sendall(
            b"POST /nothing HTTP/1.1\r\n" + HOST + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (30 * MIB)
        )
        stream.sendall(bytes(30 * MIB))
        assert [reply.status for reply in raw.replies(raw.rest(stream))] == [404]


def test_a_client_that_does_not_read_its_download_is_cut_off(server: Running) -> None:
    form = {"username": "admin@localhost", "password": (server.data_dir / "admin-password").read_text().strip()}
    with httpx.Client(base_url=f"{server.url}/api/v26.1", verify=trust(server), timeout=DEADLINE) as client:
        session = client.headers["Authorization"] = client.post("/auth", data=form).json()["sessionId"]
        path, size = "services/file_staging/items", 48 * MIB
        made = client.post(path, data={"kind": "file", "path": "/large.bin"}, files={"file": ("f", bytes(size))})
        assert made.json()["responseStatus"] == "SUCCESS", made.text
    (web,) = server.children("_web")
    with connection(server) as stream:
        stream.sendall(f"GET /api/v26.1/{path}/content/large.bin HTTP/1.1\r\nAuthorization: {session}\r\n".encode())
        stream.sendall(HOST + b"\r\n")
        assert stream.recv(9) == b"HTTP/1.1 "
        raw.wait_until_closed(web, [stream])
        assert len(raw.rest_or_reset(stream)) < size
    assert server.get("/api/")[0] == 200
