"""Clients that are slow, silent or many: each is bounded, and none is in the way of the others."""

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from xml.etree import ElementTree as ET

import httpx
import pytest
from tests.server import raw
from tests.server.raw import HOST, LAST
from tests.server.serving import DEADLINE, Running, Starting, shared_server

MIB = 1024 * 1024
HEAD_SECONDS, STALL_SECONDS, CONNECTIONS = 2, 4, 30
GET = b"GET /api/ HTTP/1.1\r\n" + HOST
LOGIN = b"POST /api/v26.1/auth HTTP/1.1\r\n" + HOST
BEGUN = (b"", LOGIN, LOGIN + b"Content-Length: 100\r\n\r\nusername=", GET[:7])
OPTIONS = ("--head-seconds", HEAD_SECONDS, "--stall-seconds", STALL_SECONDS, "--connections", CONNECTIONS)


@pytest.fixture(scope="module")
def impatient(postgres_url: str) -> Iterator[Running]:
    """A server of plain HTTP with small bounds."""
    with shared_server(postgres_url, "--workers", 0, "--no-tls", "--limits", "off", *OPTIONS) as running:
        yield running


def is_answering(server: Running) -> bool:
    return httpx.get(f"{server.url}/api/", timeout=DEADLINE).status_code == 200


@pytest.mark.parametrize("begun", [b"G", b"GET /api", GET, GET + b"Accept: applica", GET + b"\r"])
def test_a_head_that_does_not_come_whole(impatient: Running, begun: bytes) -> None:
    (reply,) = raw.exchange(impatient, begun)
    assert reply.status == 408
    assert reply.headers["connection"] == "close"
    assert reply.error == ("INVALID_DATA", "The request's headers did not come whole within 2 seconds.")


def test_it_is_answered_as_the_client_asked(impatient: Running) -> None:
    (reply,) = raw.exchange(impatient, GET + b"Accept: application/xml\r\n")
    assert reply.status == 408
    assert ET.fromstring(reply.body).findtext("responseStatus") == "FAILURE"


@pytest.mark.parametrize("begun", [b"", b"\r\n"])
def test_a_connection_on_which_nothing_comes_ends_without_a_word(impatient: Running, begun: bytes) -> None:
    assert raw.exchange(impatient, begun) == []


def test_drops_do_not_make_a_head_last_longer(impatient: Running) -> None:
    with raw.connect(impatient) as stream:
        stream.settimeout(0.1)
        stream.sendall(GET)
        for _ in range(round(DEADLINE / 0.1)):
            try:
                received = stream.recv(65536)
                break
            except TimeoutError:
                stream.sendall(b"a: b\r\n")
    assert received.startswith(b"HTTP/1.1 408 ")


def test_the_second_head_has_its_own_time(impatient: Running) -> None:
    statuses = [reply.status for reply in raw.exchange(impatient, GET + b"\r\n" + GET)]
    assert statuses == [200, 408]


@pytest.mark.parametrize(
    "begun",
    [
        b"Content-Length: 100\r\n\r\nusername=",
        b"Content-Length: 100\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nusern",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nusern\r\n0\r\n",
    ],
)
def test_a_body_that_stalls(impatient: Running, begun: bytes) -> None:
    (reply,) = raw.exchange(impatient, LOGIN + begun)
    assert reply.status == 408
    assert reply.headers["connection"] == "close"
    assert reply.error[0] == "INVALID_DATA"
    assert "for 4 seconds" in reply.error[1]


def test_a_body_that_comes_slowly_is_taken(impatient: Running) -> None:
    """Silence counts, and not how long it takes."""
    body = b"username=nobody" * 20
    with raw.connect(impatient) as stream:
        stream.sendall(LOGIN + b"Content-Length: %d\r\n\r\n" % len(body))
        began = time.monotonic()
        for start in range(0, len(body), 10):
            stream.sendall(body[start : start + 10])
            time.sleep((STALL_SECONDS + 1) / (len(body) / 10))
        assert time.monotonic() - began > STALL_SECONDS
        assert raw.one(stream).status == 200


def test_the_rest_of_a_body_that_nobody_reads_is_waited_for_no_longer(impatient: Running) -> None:
    with raw.connect(impatient) as stream:
        stream.sendall(b"POST /nothing HTTP/1.1\r\n" + HOST + b"Content-Length: 100\r\n\r\nhello")
        assert raw.one(stream).status == 404
        assert raw.rest(stream) == b""


def test_an_upload_that_stalls_leaves_nothing(impatient: Running) -> None:
    session = raw.log_in(impatient)
    head = f"POST /api/v26.1/services/file_staging/items HTTP/1.1\r\nHost: localhost\r\nAuthorization: {session}\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 9000000\r\n\r\n"
    fields = '--b\r\nContent-Disposition: form-data; name="{}"{}\r\n\r\n'
    head += fields.format("kind", "") + "file\r\n" + fields.format("path", "") + "/half.bin\r\n"
    head += fields.format("file", '; filename="half.bin"')
    (reply,) = raw.exchange(impatient, head.encode() + b"x" * 3 * MIB)
    assert reply.status == 408
    items = f"{impatient.url}/api/v26.1/services/file_staging/items?recursive=true"
    found = httpx.get(items, headers={"Authorization": session}, timeout=DEADLINE).json()
    assert "half.bin" not in json.dumps(found)


def test_clients_that_do_not_read_their_downloads_hold_no_memory_and_are_cut_off(impatient: Running) -> None:
    session = raw.log_in(impatient)
    authorized = {"Authorization": session}
    items = f"{impatient.url}/api/v26.1/services/file_staging/items"
    form, size = {"kind": "file", "path": "/large.bin"}, 48 * MIB
    made = httpx.post(items, data=form, files={"file": ("f", bytes(size))}, headers=authorized, timeout=DEADLINE)
    assert made.json()["responseStatus"] == "SUCCESS", made.text
    (web,) = impatient.children("_web")
    with ExitStack() as open_streams:
        before = web.memory_info().rss
        streams = [open_streams.enter_context(raw.connect(impatient)) for _ in range(10)]
        for stream in streams:
            stream.sendall(b"GET /api/v26.1/services/file_staging/items/content/large.bin HTTP/1.1\r\n" + HOST)
            stream.sendall(f"Authorization: {session}\r\n\r\n".encode())
        for stream in streams:
            assert stream.recv(9) == b"HTTP/1.1 "
        assert is_answering(impatient)
        raw.wait_until_closed(web, streams)
        # Ten whole files would be ten times that; what is under way of each is some megabytes.
        assert web.memory_info().rss - before < 3 * size
        assert is_answering(impatient)
        for stream in streams:
            assert len(raw.rest_or_reset(stream)) < size


def test_when_there_are_too_many_the_one_that_was_idle_for_longest_makes_room(impatient: Running) -> None:
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(raw.connect(impatient)) for _ in range(CONNECTIONS)]
        for stream in streams:
            stream.sendall(GET + b"\r\n")
            assert raw.one(stream).status == 200
        assert is_answering(impatient)
        assert streams[0].recv(1) == b""
        streams[-1].sendall(LAST)
        assert raw.one(streams[-1]).status == 200


def test_when_none_is_idle_the_new_one_is_refused(impatient: Running) -> None:
    with ExitStack() as open_streams:
        streams = [open_streams.enter_context(raw.connect(impatient)) for _ in range(CONNECTIONS)]
        for stream in streams:
            stream.sendall(LOGIN + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            assert stream.recv(100).startswith(b"HTTP/1.1 100 ")
        (refused,) = raw.exchange(impatient)
        assert refused.status == 503
        assert "30 open connections" in refused.error[1]
        streams[0].sendall(b"a=b&c")
        assert raw.one(streams[0]).status == 200
        assert is_answering(impatient)


def test_500_idle_and_slow_clients_leave_the_others_alone(start_prepared: Starting) -> None:
    server = start_prepared("--workers", 0, "--no-tls")
    with ExitStack() as open_streams:
        for number in range(500):
            open_streams.enter_context(raw.connect(server)).sendall(BEGUN[number % len(BEGUN)])
        assert is_answering(server)
        assert raw.log_in(server)
    assert is_answering(server)
    assert server.stop() == 0
    assert "Traceback" not in server.log.whole()
