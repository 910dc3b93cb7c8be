"""A second request hidden in the first: never answered where a strict server in front of ours would see only one."""

import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import Running

HIDDEN = b"GET /api/hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"  # its answer would be 404
LOGIN = b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST
UNKNOWN = b"POST /nothing HTTP/1.1\r\n" + HOST
GET = b"GET /api/ HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
LENGTH = b"Content-Length: %d\r\n"
NO_CHUNKS = b"0\r\n\r\n"
AS_BODY = LENGTH % len(HIDDEN) + b"\r\n" + HIDDEN

# name: (what is sent before a last good request, the status of each reply that may come)
CASES: dict[str, tuple[bytes, list[int]]] = {
    # Two ends of one body: refused.
    "length and chunks": (LOGIN + LENGTH % 5 + CHUNKED + b"\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunks and length": (LOGIN + CHUNKED + LENGTH % 5 + b"\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunks and no length": (LOGIN + CHUNKED + LENGTH % 0 + b"\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "two equal lengths": (LOGIN + LENGTH % 0 * 2 + b"\r\n" + HIDDEN, [400]),
    "two lengths": (LOGIN + LENGTH % 0 + AS_BODY, [400]),
    "a list of lengths": (LOGIN + b"Content-Length: 0, 0\r\n\r\n" + HIDDEN, [400]),
    "lengths with a blank": (LOGIN + b"Content-Length: 0 5\r\n\r\n" + HIDDEN, [400]),
    # Headers that look like those, and may be taken for them.
    "blank before the colon": (LOGIN + b"Transfer-Encoding : chunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "tab before the colon": (LOGIN + b"Content-Length\t: 5\r\n\r\n" + HIDDEN, [400]),
    "blank before the name": (LOGIN + b" Content-Length: 5\r\n\r\n" + HIDDEN, [400]),
    "folded": (LOGIN + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "quoted name": (LOGIN + b'"Transfer-Encoding": chunked\r\n\r\n' + NO_CHUNKS + HIDDEN, [400]),
    "name with an equals sign": (LOGIN + b"Content-Length=: 5\r\n\r\n" + HIDDEN, [400]),
    "name with a bracket": (LOGIN + b"[content-length: 5\r\n\r\n" + HIDDEN, [400]),
    "name after a NUL": (LOGIN + b"\0Content-Length: 5\r\n\r\n" + HIDDEN, [400]),
    "name after a bare LF": (LOGIN + b"X: y\nContent-Length: 5\r\n\r\n" + HIDDEN, [400]),
    "name after a bare CR": (LOGIN + b"X: y\rContent-Length: 5\r\n\r\n" + HIDDEN, [400]),
    "name with a control character": (LOGIN + b"Transfer-Encoding\x0b: chunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    # Codings that are not chunked, or not only.
    "xchunked": (LOGIN + b"Transfer-Encoding: xchunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunked, identity": (LOGIN + b"Transfer-Encoding: chunked, identity\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "identity, chunked": (LOGIN + b"Transfer-Encoding: identity, chunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "gzip, chunked": (LOGIN + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunked twice": (LOGIN + CHUNKED * 2 + b"\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunked, then another": (LOGIN + CHUNKED + b"Transfer-Encoding: x\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "quoted chunked": (LOGIN + b'Transfer-Encoding: "chunked"\r\n\r\n' + NO_CHUNKS + HIDDEN, [400]),
    "chunked and a form feed": (LOGIN + b"Transfer-Encoding: chunked\x0c\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "empty coding": (LOGIN + b"Transfer-Encoding:\r\n\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunks in HTTP/1.0": (b"POST /api/v26.1/auth HTTP/1.0\r\n" + CHUNKED + b"\r\n" + NO_CHUNKS + HIDDEN, [400]),
    # Chunks whose end can be seen in two ways.
    "bare LF in a chunk extension": (LOGIN + CHUNKED + b"\r\n2;a\nxx\r\n" + NO_CHUNKS + HIDDEN, [400]),
    "chunk extension without name": (LOGIN + CHUNKED + b"\r\n0;\r\n\r\n" + HIDDEN, [400]),
    "chunk size with a blank": (LOGIN + CHUNKED + b"\r\n0 \r\n\r\n" + HIDDEN, [400]),
    "chunk size in C": (LOGIN + CHUNKED + b"\r\n0x0\r\n\r\n" + HIDDEN, [400]),
    "chunk size of 2 to the 64th": (LOGIN + CHUNKED + b"\r\n10000000000000000\r\n\r\n" + HIDDEN, [400]),
    "chunk without its last line": (LOGIN + CHUNKED + b"\r\n1\r\nx0\r\n\r\n" + HIDDEN, [400]),
    "hidden as trailer": (LOGIN + CHUNKED + b"\r\n0\r\n" + HIDDEN, [400]),
    # Connections that end here.
    "after the last request": (GET + b"Connection: close\r\n\r\n" + HIDDEN, [200]),
    "after a request of HTTP/1.0": (b"GET /api/ HTTP/1.0\r\n\r\n" + HIDDEN, [200]),
    "after a request of HTTP/1.0 that would stay": (
        b"GET /api/ HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + HIDDEN,
        [200],
    ),
    # Bodies: what is in them is no request, whether it is read or not.
    "body of a GET": (GET + AS_BODY, [200, 200]),
    "chunks of a GET": (GET + CHUNKED + b"\r\n%x\r\n%s\r\n" % (len(HIDDEN), HIDDEN) + NO_CHUNKS, [200, 200]),
    "body of a login": (LOGIN + AS_BODY, [200, 200]),
    "body of an unknown path": (UNKNOWN + AS_BODY, [404, 200]),
    "body of an upgrade": (LOGIN + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" + AS_BODY, [200, 200]),
    "body of an upgrade to a socket": (LOGIN + b"Upgrade: websocket\r\nConnection: Upgrade\r\n" + AS_BODY, [200, 200]),
    "body with a header that is no length": (LOGIN + b"Content_Length: 0\r\n" + AS_BODY, [200, 200]),
    "body with a header that is dropped": (LOGIN + b"suppressRendition=: true\r\n" + AS_BODY, [200, 200]),
    "in the target": (b"GET /api/ HTTP/1.1%0d%0aHost:%20x HTTP/1.1\r\n" + HOST + b"\r\n", [404, 200]),
    # And two honest requests.
    "two requests": (LOGIN + LENGTH % 0 + b"\r\n" + HIDDEN, [200, 404, 200]),
    "two requests after chunks": (
        LOGIN + b"TRANSFER-ENCODING:\tChunked \r\n\r\n" + NO_CHUNKS + HIDDEN,
        [200, 404, 200],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_in_one_piece(plain_server: Running, name: str) -> None:
    sent, expected = CASES[name]
    assert [reply.status for reply in raw.exchange(plain_server, sent + LAST)] == expected


@pytest.mark.parametrize("name", CASES)
def test_in_small_pieces(plain_server: Running, name: str) -> None:
    sent, expected = CASES[name]
    sent += LAST
    pieces = (sent[start : start + 9] for start in range(0, len(sent), 9))
    assert [reply.status for reply in raw.exchange(plain_server, *pieces)] == expected


def test_a_body_that_was_not_asked_for_is_never_taken_for_a_request(plain_server: Running) -> None:
    with raw.connect(plain_server) as stream:
        stream.sendall(UNKNOWN + b"Expect: 100-continue\r\n" + LENGTH % len(HIDDEN) + b"\r\n")
        reply = raw.one(stream)
        assert (reply.status, reply.headers["connection"]) == (404, "close")
        raw.send(stream, [HIDDEN])
        assert raw.rest_or_reset(stream) == b""


def test_a_reply_to_head_is_followed_by_the_next_reply_and_by_no_body(plain_server: Running) -> None:
    with raw.connect(plain_server) as stream:
        stream.sendall(b"HEAD /api/ HTTP/1.1\r\n" + HOST + b"\r\n" + LAST)
        head, _, following = raw.rest(stream).partition(b"\r\n\r\n")
    assert b"\r\ncontent-length: " in head
    (last,) = raw.replies(following)
    assert (last.status, last.headers["connection"], last.json["responseStatus"]) == (200, "close", "SUCCESS")
