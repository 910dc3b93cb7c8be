"""What real clients get wrong, and is mended; and good requests that come in an unusual way."""

import httpx
import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import DEADLINE, Running

from strongroom.server import heads

GET = b"GET /api/ HTTP/1.1\r\n" + HOST
FORM = b"username=nobody&passw=none"
LOGIN = b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST + b"Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED_FORM = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (b"username=no", b"body&passw=w\r\n\r\n"))
NO_PASSWORD = "NO_PASSWORD_PROVIDED"


@pytest.fixture(scope="session")
def session(plain_server: Running) -> str:
    return raw.log_in(plain_server)


@pytest.mark.parametrize("header", [b"suppressRendition=: true", b"a@b: c", b"(x): y", b'"quoted":z', b"Upgrade: h2c"])
def test_a_header_that_cannot_be_is_dropped_and_the_others_are_read(
    plain_server: Running, session: str, header: bytes
) -> None:
    me = b"GET /api/v26.1/objects/users/me HTTP/1.1\r\n" + HOST + header + b"\r\nAuthorization: " + session.encode()
    first, second = raw.exchange(plain_server, me + b"\r\n\r\n", LAST)
    assert first.json["users"][0]["user"]["user_name__v"] == "admin@localhost"
    assert second.status == 200


@pytest.mark.parametrize("name", ["my file.txt", "a  b  c.txt", "Überblick 1.txt", "日本.txt"])
def test_a_target_with_raw_blanks_and_letters_beyond_ascii(plain_server: Running, session: str, name: str) -> None:
    authorized = {"Authorization": session}
    items, content = f"{plain_server.url}/api/v26.1/services/file_staging/items", name.encode() * 3
    form = {"kind": "file", "path": f"/in/{name}"}
    made = httpx.post(items, data=form, files={"file": ("f", content)}, headers=authorized, timeout=DEADLINE).json()
    assert made["responseStatus"] == "SUCCESS", made
    target = f"/api/v26.1/services/file_staging/items/content/in/{name}".encode()
    head = b"GET " + target + b" HTTP/1.1\r\n" + HOST + b"Authorization: " + session.encode() + b"\r\n\r\n"
    found, last = raw.exchange(plain_server, head, LAST)
    assert found.body == content
    assert last.status == 200


def test_a_query_with_raw_blanks(plain_server: Running, session: str) -> None:
    head = b"GET /api/v26.1/objects/documents?search=a b&limit=x y HTTP/1.1\r\n" + HOST
    (reply,) = raw.exchange(
        plain_server, head + b"Connection: close\r\nAuthorization: " + session.encode() + b"\r\n\r\n"
    )
    assert reply.error[0] == "INVALID_DATA"
    assert "x y" in reply.error[1]


def test_a_body_is_never_mended(plain_server: Running) -> None:
    body = b'[{"id": "GET /a b HTTP/1.1\r\nsuppress=: true\r\n\r\n'
    head = (
        b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST + b"Content-Type: application/json\r\nsuppressRendition=: true\r\n"
    )
    for length in (
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body),
        b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body),
    ):
        first, second = raw.exchange(plain_server, head + length + LAST)
        assert "not valid JSON" in first.error[1]
        assert second.status == 200


REQUESTS = {
    "plain": GET + b"\r\n",
    "mended": b"GET /api/  HTTP/1.1 HTTP/1.1\r\nsuppressRendition=: true\r\n" + HOST + b"\r\n",
    "form": LOGIN + b"Content-Length: %d\r\n\r\n%s" % (len(FORM), FORM),
    "chunks": LOGIN + b"Transfer-Encoding: chunked\r\n\r\n" + CHUNKED_FORM + b"0\r\n\r\n",
    "extensions": LOGIN + b'Transfer-Encoding: chunked\r\n\r\n5;a=b;c="d"\r\nusern\r\n' + b"0\r\nTrailer-A: b\r\n\r\n",
    "blank lines": b"\r\n\r\n" + GET + b"\r\n",
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_may_come_byte_by_byte(plain_server: Running, name: str) -> None:
    whole = [reply.body for reply in raw.exchange(plain_server, REQUESTS[name] + LAST)]
    assert len(whole) == 2
    sent = REQUESTS[name] + LAST
    assert [reply.body for reply in raw.exchange(plain_server, *(sent[n : n + 1] for n in range(len(sent))))] == whole


@pytest.mark.parametrize("size", [2, 3, 5, 7, 11, 64, 200])
def test_pipelined_requests_are_answered_in_their_order_however_they_are_cut(plain_server: Running, size: int) -> None:
    sent = b"".join(REQUESTS.values()) * 3 + LAST
    replies = raw.exchange(plain_server, *(sent[n : n + size] for n in range(0, len(sent), size)))
    kinds = ["errors" if "errors" in reply.json else "values" for reply in replies]
    assert kinds == ["values", "errors", "errors", "errors", "errors", "values"] * 3 + ["values"]


def test_any_number_of_requests_may_come_before_the_first_reply_is_read(plain_server: Running) -> None:
    replies = raw.exchange(plain_server, (GET + b"\r\n" + REQUESTS["chunks"]) * 500 + LAST)
    assert [b"errors" in reply.body for reply in replies] == [False, True] * 500 + [False]


def test_keep_alive_after_large_bodies(plain_server: Running) -> None:
    body = b"username=nobody&passw=" + b"x\r\n\r\n" * 100_000
    plain = LOGIN + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    chunked = LOGIN + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    replies = raw.exchange(plain_server, plain, chunked, plain, chunked, LAST)
    assert [reply.status for reply in replies] == [200] * 5
    assert [reply.error[0] for reply in replies[:4]] == [NO_PASSWORD] * 4


def test_expect_100_continue(plain_server: Running) -> None:
    with raw.connect(plain_server) as stream:
        for _ in range(2):
            stream.sendall(LOGIN + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(FORM))
            assert stream.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
            stream.sendall(FORM)
            assert raw.one(stream).error[0] == NO_PASSWORD


def test_trailers_are_no_headers(plain_server: Running, session: str) -> None:
    trailer = b"Authorization: " + session.encode() + b"\r\n"
    head = b"GET /api/v26.1/objects/users/me HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n"
    first, _ = raw.exchange(plain_server, head + b"0\r\n" + trailer + b"\r\n" + LAST)
    assert first.error[0] == "INVALID_SESSION_ID"


def test_http_1_0(plain_server: Running) -> None:
    (reply,) = raw.exchange(plain_server, b"GET /api/ HTTP/1.0\r\n\r\n", LAST)
    assert reply.status == 200


@pytest.mark.parametrize(
    "head",
    [
        GET + b"\r\n",
        b"DELETE /a%20b?c=d&e=%C3%A4|{} HTTP/1.0\r\n\r\n",
        GET + b"X.a!#$%&'*+.^_`|~: y\r\nEmpty:\r\nTab:\ta\r\n\r\n",
        GET + b"X: \xc3\xa4\r\n\r\n",
        b"PATCH / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nUser-Agent: a\r\nhost: b\r\n\r\n",
    ],
)
def test_a_good_head_stays_as_it_is(head: bytes) -> None:
    assert heads.mended(head) == head


def test_what_a_mended_head_looks_like() -> None:
    head = b"GET /a b\xff?c=d e HTTP/1.1\r\nHost: x\r\nsuppressRendition=: true\r\nUPGRADE: h2c\r\nA: b\r\n\r\n"
    assert heads.mended(head) == b"GET /a%20b%FF?c=d%20e HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n"
