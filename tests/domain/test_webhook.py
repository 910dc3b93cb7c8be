"""Webhooks: which URLs, addresses and secrets can be used, how a delivery is signed, and when it is tried again."""

import hashlib
import hmac
import re
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from strongroom.domain.errors import InvalidData
from strongroom.domain.webhook import check_secret, delay, is_public, new_secret, parse, signature


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://hooks.example.com", ("https", "hooks.example.com", 443, "/")),
        ("HTTPS://Hooks.Example.com./a/b?c=d#e", ("https", "hooks.example.com", 443, "/a/b?c=d")),
        ("http://example.com:8080?x=1", ("http", "example.com", 8080, "/?x=1")),
        ("http://[2606:4700::1]:81/x", ("http", "2606:4700::1", 81, "/x")),
        ("http://127.1/", ("http", "127.1", 80, "/")),
        ("https://example.com/%20?a=%00", ("https", "example.com", 443, "/%20?a=%00")),
    ],
)
def test_a_url_is_taken_apart(url: str, parts: tuple[str, str, int, str]) -> None:
    target = parse(url)
    assert (target.scheme, target.host, target.port, target.path) == parts


def test_a_target_is_host_and_port() -> None:
    target = parse("https://[2606:4700::1]/x")
    assert (target.name, target.host_header) == ("[2606:4700::1]:443", "[2606:4700::1]")
    target = parse("http://example.com:443/")
    assert (target.name, target.host_header) == ("example.com:443", "example.com:443")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://127.0.0.1:6379/_x",
        "http://",
        "http:///x",
        "http://:80/",
        "http://user@example.com/",
        "http://user:hunter2@example.com/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:x/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://exa mple.com/",
        "http://example.com/\r\nX-Evil: 1",
        "http://exämple.com/",
        "http://example.com\\@127.0.0.1/",
        "http://ex%61mple.com/",
        "http://example.com/" + "a" * 2000,
    ],
)
def test_a_url_that_cannot_be_used(url: str) -> None:
    with pytest.raises(InvalidData, match="cannot be used") as refused:
        parse(url)
    assert "hunter2" not in refused.value.message


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.169.0.1", "2606:4700::1", "2a00:1450::1", "::ffff:8.8.8.8"]
)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "127.0.0.1",
        "127.255.255.254",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "100.100.100.200",
        "169.254.169.254",
        "192.0.0.192",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "168.63.129.16",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:7f00:1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2001:0:7f00:1::1",
        "2001:db8::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%lo",
        "fec0::1",
        "ff02::1",
        "ff0e::1",
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_a_signature_covers_the_moment_and_the_body() -> None:
    expected = hmac.new(b"a secret of mine", b'1700000000.{"a":1}', hashlib.sha256).hexdigest()
    assert signature("a secret of mine", 1700000000, b'{"a":1}') == f"t=1700000000,v1={expected}"


def test_the_program_of_the_docs_knows_our_signatures() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "how-to" / "webhooks.md"
    (program,) = re.findall(r"^```python verification\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    known: dict[str, Any] = {}
    exec(program, known)
    is_genuine, body, now = known["is_genuine"], b'{"a":1}', int(time.time())
    signed = signature("a-secret-of-mine", now, body)
    assert is_genuine("a-secret-of-mine", signed, body)
    assert not is_genuine("another-secret", signed, body)
    assert not is_genuine("a-secret-of-mine", signed, b'{"a":2}')
    assert not is_genuine("a-secret-of-mine", signed.replace(f"t={now}", f"t={now + 1}"), body)
    assert not is_genuine("a-secret-of-mine", signature("a-secret-of-mine", now - 400, body), body)


@pytest.mark.parametrize(
    "secret", ["", "short", "a" * 256, "with a blank in it", "über-geheim-und-lang", "line\nbreak-line-break"]
)
def test_a_secret_that_cannot_be_used(secret: str) -> None:
    with pytest.raises(InvalidData, match="16 to 255"):
        check_secret(secret)


def test_a_secret_that_was_thought_up_can_be_used() -> None:
    check_secret(new_secret())
    assert new_secret() != new_secret()


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 5), (3, 30), (4, 120), (5, 600), (6, 3600), (100, 3600)])
def test_the_wait_grows(attempt: int, seconds: float) -> None:
    for _ in range(50):
        assert timedelta(seconds=seconds) <= delay(attempt) <= timedelta(seconds=seconds * 1.2)
