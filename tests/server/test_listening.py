"""Sockets: free ports, ports in use, and the address that people type."""

import contextlib
import os
import socket

import pytest

from strongroom.config import CannotRun, Settings
from strongroom.server.listening import address_of, listen, names_of


def test_a_free_port_on_loopback_answers_on_both_families() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as listening:
        assert listening.port > 0
        for bound in listening.sockets:
            socket.create_connection(bound.getsockname()[:2]).close()
        assert {bound.getsockname()[0] for bound in listening.sockets} <= {"127.0.0.1", "::1"}


def test_a_port_in_use_is_named() -> None:
    with contextlib.closing(listen("127.0.0.1", 0)) as first, pytest.raises(CannotRun, match=str(first.port)):
        listen("127.0.0.1", first.port)


def test_a_port_in_use_on_ipv6_alone_is_named() -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotRun, match=f"Port {port} on ::1"):
            listen("127.0.0.1", port)


def test_a_port_is_free_again_after_its_connections() -> None:
    first = listen("127.0.0.1", 0)
    with socket.create_connection(("127.0.0.1", first.port)):
        first.close()
    listen("127.0.0.1", first.port).close()


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_a_host_that_is_not_here(host: str) -> None:
    with pytest.raises(CannotRun, match=host):
        listen(host, 0)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may use every port")
def test_a_port_for_root_only() -> None:
    with pytest.raises(CannotRun, match="above 1023"):
        listen("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("host", "tls", "port", "address"),
    [
        ("127.0.0.1", True, 8443, "https://localhost:8443"),
        ("0.0.0.0", True, 443, "https://localhost"),
        ("vault.example.com", True, 8443, "https://vault.example.com:8443"),
        ("fd00::5", False, 80, "http://[fd00::5]"),
    ],
)
def test_address(host: str, tls: bool, port: int, address: str) -> None:
    assert address_of(Settings(host=host, tls=tls), port) == address


def test_the_certificate_names_what_is_listened_on() -> None:
    assert names_of(Settings(host="10.0.0.7", dns=("a.test",))) == ("a.test", "10.0.0.7")
    assert names_of(Settings(host="0.0.0.0")) == ()
