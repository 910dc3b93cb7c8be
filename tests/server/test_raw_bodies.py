"""Uploads that nobody wants, that break off, or that a stop cuts off: nothing is kept, and nothing is taken for a fault."""

import signal
import socket
import struct

import httpx
import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import DEADLINE, Running, Starting

MIB = 1024 * 1024
BOUNDARY = "a-boundary"
PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{{}}"{{}}\r\n\r\n'


def upload(session: str, path: str, fields: dict[str, str], length: int = 50 * MIB) -> bytes:
    """The beginning of a request with a file: its head, all fields and a first part of the file."""
    body = "".join(PART.format(name, "") + f"{value}\r\n" for name, value in fields.items())
    body += PART.format("file", '; filename="half.bin"')
    head = f"POST /api/v26.1/{path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: {session}\r\nContent-Length: {length}\r\n"
    return f"{head}Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n{body}".encode() + b"x" * (2 * MIB)


def halves(session: str) -> list[bytes]:
    """Half-sent uploads: a document, an item of file staging, rows."""
    document = {"name__v": "Half", "type__v": "General", "lifecycle__v": "General Lifecycle"}
    rows = f"POST /api/v26.1/objects/documents/batch HTTP/1.1\r\nHost: localhost\r\nAuthorization: {session}\r\n"
    return [
        upload(session, "objects/documents", document),
        upload(session, "services/file_staging/items", {"kind": "file", "path": "/half.bin"}),
        f'{rows}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n[{{"name__v": "Half"'.encode(),
    ]


def kept(server: Running, session: str) -> tuple[int, int]:
    """How many documents there are, and how many items on file staging."""
    base, headers = f"{server.url}/api/v26.1", {"Authorization": session}
    documents = httpx.get(f"{base}/objects/documents", headers=headers, timeout=DEADLINE).json()
    items = httpx.get(f"{base}/services/file_staging/items?recursive=true", headers=headers, timeout=DEADLINE).json()
    return len(documents["documents"]), len(items["data"])


def reset(stream: socket.socket) -> None:
    """Be gone without a farewell, as a killed client or a broken network is."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.close()


@pytest.mark.parametrize("connection", [b"", b"Connection: close\r\n"])
def test_a_large_body_that_nobody_reads_does_not_cost_the_reply(plain_server: Running, connection: bytes) -> None:
    body = [b"x" * MIB] * 30
    head = b"POST /nothing HTTP/1.1\r\n" + HOST + connection + b"Content-Length: %d\r\n\r\n" % (30 * MIB)
    statuses = [reply.status for reply in raw.exchange(plain_server, head, *body, LAST)]
    assert statuses == ([404] if connection else [404, 200])


def test_it_is_answered_before_the_body_has_come(plain_server: Running) -> None:
    with raw.connect(plain_server) as stream:
        stream.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert raw.one(stream).status == 404
        stream.sendall(b"0\r\n\r\n" + LAST)
        assert [reply.status for reply in raw.replies(raw.rest(stream))] == [200]


def test_a_body_that_turns_bad_after_the_reply_ends_the_connection(plain_server: Running) -> None:
    with raw.connect(plain_server) as stream:
        stream.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        assert raw.one(stream).status == 404
        raw.send(stream, [b"xyz\r\n\r\n" + LAST])
        assert raw.rest_or_reset(stream) == b""


def test_uploads_that_break_off_and_those_that_a_stop_cuts_off(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0, "--no-tls")
    session = raw.log_in(server)
    before = kept(server, session)
    for begun in halves(session):
        for leave in (socket.socket.close, reset):
            stream = raw.connect(server)
            stream.sendall(begun)
            leave(stream)
    streams = [raw.connect(server) for _ in range(3)]
    for stream, begun in zip(streams, halves(session), strict=True):
        stream.sendall(begun)
    assert kept(server, session) == before
    server.process.send_signal(signal.SIGTERM)
    for stream in streams:
        with stream:
            (reply,) = raw.replies(raw.rest(stream))
        assert reply.status == 503
        assert "stopping" in reply.error[1]
    assert server.process.wait(DEADLINE) == 0
    assert "Traceback" not in server.log.whole()
    assert server.log.whole().count("cut off by the stop") == len(streams)
    errors = [line for line in server.log.whole().splitlines() if '"level": "error"' in line]
    assert len(errors) == 1
    assert "Cancel 3 running task(s)" in errors[0]  # uvicorn's own word on it
    again = start_prepared("--workers", 0, "--no-tls")
    assert kept(again, raw.log_in(again)) == before
