"""Hosts of their own on one machine: network namespaces, each with an address, on one switch."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_NAMES = Path("/run/netns")


@dataclass(frozen=True)
class Network:
    """A switch, itself a namespace, and the hosts on it: nothing of it can be seen from outside."""

    prefix: str
    addresses: dict[str, str]

    def inside(self, host: str, user: tuple[int, int] | None = None) -> list[str]:
        """What to put before a command so that it runs on a host, as another user if one is given (uid, gid)."""
        changed = [] if user is None else [f"--setuid={user[0]}", f"--setgid={user[1]}"]
        return ["nsenter", f"--net={_NAMES / self._name(host)}", *changed]

    @contextmanager
    def cut(self, *hosts: str) -> Iterator[None]:
        """Take hosts off the switch: what they send, and what is sent to them, vanishes without a word."""
        try:
            for host in hosts:
                _ip("-n", self._name("switch"), "link", "set", f"to-{host}", "nomaster")
            yield
        finally:
            for host in hosts:
                _ip("-n", self._name("switch"), "link", "set", f"to-{host}", "master", "bridge")

    def make(self) -> None:
        """Make the switch and the hosts; raises ``CalledProcessError`` where that is not allowed."""
        switch = self._name("switch")
        _ip("netns", "add", switch)
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        for host, address in self.addresses.items():
            name = self._name(host)
            _ip("netns", "add", name)
            _ip("-n", switch, *f"link add to-{host} type veth peer name eth0 netns {name}".split())
            _ip("-n", switch, "link", "set", f"to-{host}", "master", "bridge", "up")
            _ip("-n", name, "addr", "add", f"{address}/24", "dev", "eth0")
            for link in ("lo", "eth0"):
                _ip("-n", name, "link", "set", link, "up")

    def remove(self) -> None:
        """Remove them all; their processes have ended before."""
        for host in (*self.addresses, "switch"):
            with suppress(subprocess.CalledProcessError):
                _ip("netns", "delete", self._name(host))

    def _name(self, host: str) -> str:
        return f"{self.prefix}-{host}"


@contextmanager
def network(hosts: Sequence[str]) -> Iterator[Network]:
    """Some hosts on one switch, removed at the end; the test is skipped where they cannot be made."""
    if missing := [program for program in ("ip", "nsenter") if shutil.which(program) is None]:
        pytest.skip(f"network namespaces need the program {missing[0]}")
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root can make network namespaces")
    made = Network(f"strongroom-{os.getpid()}", {host: f"10.77.0.{n}" for n, host in enumerate(hosts, 1)})
    try:
        try:
            made.make()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"network namespaces cannot be made here: {error.stderr.strip()}")
        yield made
    finally:
        made.remove()


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
