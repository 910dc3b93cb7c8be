"""What is no HTTP request, one row each: refused in the envelope, the connection closed, and the next client served."""

import re
import socket
import ssl
from xml.etree import ElementTree as ET

import httpx
import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import DEADLINE, Running, Starting

GET = b"GET /api/ HTTP/1.1\r\n" + HOST
POST = b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

REFUSED = {
    # name: what is sent, the error's type, a part of its message
    "unknown verb": (b"FOO /api/ HTTP/1.1\r\n" + HOST + b"\r\n", "METHOD_NOT_SUPPORTED", "method"),
    "verb in small letters": (b"get /api/ HTTP/1.1\r\n" + HOST + b"\r\n", "METHOD_NOT_SUPPORTED", "method"),
    "tunnel": (b"CONNECT localhost:443 HTTP/1.1\r\n" + HOST + b"\r\n", "METHOD_NOT_SUPPORTED", "CONNECT"),
    "no line": (b"not http at all\r\n\r\n", "INVALID_DATA", "[not http at all]"),
    "HTTP/0.9": (b"GET /api/\r\n", "INVALID_DATA", "[GET /api/]"),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "INVALID_DATA", "[PRI * HTTP/2.0]"),
    "version 2.0": (b"GET /api/ HTTP/2.0\r\n" + HOST + b"\r\n", "INVALID_DATA", "HTTP/2.0"),
    "another protocol": (b"OPTIONS /api/ RTSP/1.0\r\n" + HOST + b"\r\n", "INVALID_DATA", "RTSP"),
    "TLS on the plain port": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "INVALID_DATA", "begin"),
    "no target": (b"GET  HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "[GET  HTTP/1.1]"),
    "blank before the target": (b"GET  /api/ HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "begin"),
    "blank after the target": (b"GET /api/  HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "begin"),
    "tab in the target": (b"GET /a\tb HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "begin"),
    "target without slash": (b"GET api/ HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "url"),
    "target without path": (b"GET http://localhost HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "target"),
    "long target": (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", "INVALID_DATA", "65536 bytes"),
    "long header": (GET + b"X: " + b"a" * 70_000 + b"\r\n\r\n", "INVALID_DATA", "65536 bytes"),
    "headers without end": (GET + b"X: " + b"a" * 700_000, "INVALID_DATA", "65536 bytes"),
    "1001 headers": (GET + b"a: b\r\n" * 1000 + b"\r\n", "INVALID_DATA", "1000 headers"),
    "no Host": (b"GET /api/ HTTP/1.1\r\nAccept: */*\r\n\r\n", "INVALID_DATA", "Host"),
    "two Hosts": (GET + b"host: elsewhere\r\n\r\n", "INVALID_DATA", "Host"),
    "blank before the colon": (GET + b"Accept : */*\r\n\r\n", "INVALID_DATA", "[Accept : */*]"),
    "blank in a name": (GET + b"Content Length: 5\r\n\r\n", "INVALID_DATA", "[Content Length: 5]"),
    "no colon": (GET + b"Accept\r\n\r\n", "INVALID_DATA", "[Accept]"),
    "no name": (GET + b": b\r\n\r\n", "INVALID_DATA", "[: b]"),
    "folded header": (GET + b"Accept: a\r\n b\r\n\r\n", "INVALID_DATA", "[ b]"),
    "name beyond ASCII": (GET + b"\xc3\xa4: b\r\n\r\n", "INVALID_DATA", "headers"),
    "NUL": (GET + b"X: a\0b\r\n\r\n", "INVALID_DATA", "NUL"),
    "bare CR": (GET + b"X: a\rb\r\n\r\n", "INVALID_DATA", "CR"),
    "bare LF": (b"GET /api/ HTTP/1.1\nHost: localhost\n\n", "INVALID_DATA", "LF"),
    "bare LF in a header": (GET + b"X: a\nY: b\r\n\r\n", "INVALID_DATA", "LF"),
    "control character": (GET + b"X: a\x01b\r\n\r\n", "INVALID_DATA", "header value"),
    "negative length": (POST + b"Content-Length: -5\r\n\r\n", "INVALID_DATA", "Content-Length"),
    "signed length": (POST + b"Content-Length: +5\r\n\r\nhello", "INVALID_DATA", "Content-Length"),
    "length in hex": (POST + b"Content-Length: 0x5\r\n\r\nhello", "INVALID_DATA", "Content-Length"),
    "empty length": (POST + b"Content-Length:\r\n\r\n", "INVALID_DATA", "Content-Length"),
    "length of 30 digits": (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", "INVALID_DATA", "Content-Length"),
    "bad chunk size": (CHUNKED + b"xyz\r\n", "INVALID_DATA", "chunk size"),
    "negative chunk size": (CHUNKED + b"-5\r\nhello\r\n0\r\n\r\n", "INVALID_DATA", "chunk size"),
    "chunk size of 30 digits": (CHUNKED + b"f" * 30 + b"\r\n", "INVALID_DATA", "hunk size"),
    "chunk longer than it says": (CHUNKED + b"5\r\nhello!\r\n0\r\n\r\n", "INVALID_DATA", "chunk"),
    "bare LF after a chunk size": (CHUNKED + b"5\nhello\r\n0\r\n\r\n", "INVALID_DATA", "chunk"),
    "chunk extension without end": (CHUNKED + b"5;a=" + b"b" * 700_000, "INVALID_DATA", "chunked body"),
    "trailers without end": (CHUNKED + b"0\r\n" + b"a: b\r\n" * 100_000, "INVALID_DATA", "chunked body"),
    "bad trailer": (CHUNKED + b"0\r\na b: c\r\n\r\n", "INVALID_DATA", "header"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_the_envelope(plain_server: Running, name: str) -> None:
    sent, kind, message = REFUSED[name]
    (reply,) = raw.exchange(plain_server, sent)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/json;charset=UTF-8"
    assert reply.headers["x-vaultapi-status"] == "FAILURE"
    assert reply.headers["connection"] == "close"
    assert reply.error[0] == kind
    assert message in reply.error[1]


@pytest.mark.parametrize("name", ["NUL", "unknown verb", "bare LF in a header", "headers without end"])
def test_nothing_that_follows_is_answered(plain_server: Running, name: str) -> None:
    assert [reply.status for reply in raw.exchange(plain_server, REFUSED[name][0] + LAST)] == [400]
    assert [reply.status for reply in raw.exchange(plain_server, REFUSED[name][0], LAST)] == [400]


@pytest.mark.parametrize(
    "sent",
    [
        GET + b"Accept: application/xml\r\nX: a\0b\r\n\r\n",
        POST + b"Accept: text/xml\r\nTransfer-Encoding: chunked\r\n\r\nx",
    ],
)
def test_as_xml(plain_server: Running, sent: bytes) -> None:
    (reply,) = raw.exchange(plain_server, sent)
    assert reply.headers["content-type"] == "application/xml;charset=UTF-8"
    assert ET.fromstring(reply.body).findtext("errors/error/type") == "INVALID_DATA"


def test_a_request_before_it_gets_its_whole_reply_first(plain_server: Running) -> None:
    statuses = [reply.status for reply in raw.exchange(plain_server, GET + b"\r\n" + GET + b"\r\nnonsense\r\n\r\n")]
    assert statuses == [200, 200, 400]


def test_1000_headers_are_taken(plain_server: Running) -> None:
    (reply,) = raw.exchange(plain_server, GET + b"Connection: close\r\n" + b"a: b\r\n" * 998 + b"\r\n")
    assert reply.status == 200


def test_plain_http_on_the_tls_port_is_closed_and_leaves_no_trace(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0)
    with raw.connect(server) as stream:
        stream.sendall(LAST)
        assert b"HTTP" not in raw.rest(stream)
    with socket.create_connection(("127.0.0.1", raw.port_of(server)), timeout=DEADLINE) as plain:
        trust = ssl.create_default_context(cafile=server.data_dir / "tls" / "ca.pem")
        with trust.wrap_socket(plain, server_hostname="localhost") as stream:
            stream.sendall(b"not http at all\r\n\r\n")
            (reply,) = raw.replies(raw.rest(stream))
    assert reply.status == 400
    assert server.get("/api/")[0] == 200
    assert server.stop() == 0
    assert not re.search(r'Traceback|"level": "error"', server.log.whole())


def test_the_next_client_is_served(plain_server: Running) -> None:
    for sent, _, _ in REFUSED.values():
        with raw.connect(plain_server) as stream:
            raw.send(stream, [sent])  # and gone, without reading
    assert httpx.get(f"{plain_server.url}/api/", timeout=DEADLINE).status_code == 200
