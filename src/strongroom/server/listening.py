"""The sockets that the server listens on, and the address that people use for it."""

import errno
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from strongroom.config import CannotRun, Settings, is_address

LOOPBACK = ("127.0.0.1", "::1")
BACKLOG = 2048
_ANYWHERE = {"0.0.0.0", "::", "127.0.0.1", "::1"}  # noqa: S104 - compared with, not bound to
_PREFERRED = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Listening:
    """Bound sockets that share one port. They outlive the web processes, so a restart refuses no connection."""

    sockets: tuple[socket.socket, ...]
    port: int

    def close(self) -> None:
        """Stop listening."""
        for each in self.sockets:
            each.close()


def listen(host: str, port: int) -> Listening:
    """Bind every address of ``host``; loopback means IPv4 and IPv6. Port 0 takes a free one.

    Raises ``CannotRun`` when the port is in use or the host is not one of this machine.
    """
    sockets: list[socket.socket] = []
    hosts = LOOPBACK if host in {"127.0.0.1", "localhost"} else (host,)
    try:
        for family, address in dict.fromkeys(found for each in hosts for found in _addresses(each)):
            chosen = sockets[0].getsockname()[1] if sockets else port
            try:
                sockets.append(_bind(family, address, chosen))
            except OSError as error:
                # localhost is ::1 as well for many clients, but not every machine has IPv6.
                if not sockets or (port and error.errno == errno.EADDRINUSE):
                    raise CannotRun(_refusal(error, address, port)) from error
    except BaseException:
        for each in sockets:
            each.close()
        raise
    return Listening(tuple(sockets), sockets[0].getsockname()[1])


def adopt(descriptors: Sequence[int]) -> list[socket.socket]:
    """Take over the sockets that the supervisor has handed to this process."""
    return [socket.socket(fileno=descriptor) for descriptor in descriptors]


def address_of(settings: Settings, port: int) -> str:
    """The URL that people type, without a slash at the end: ``https://localhost:8443``."""
    scheme = "https" if settings.tls else "http"
    host = "localhost" if settings.host in _ANYWHERE else settings.host
    shown = f"[{host}]" if ":" in host else host
    return f"{scheme}://{shown}" + ("" if port == _PREFERRED[scheme] else f":{port}")


def names_of(settings: Settings) -> tuple[str, ...]:
    """What the certificate has to name beside localhost: every ``--dns``, and the host that is listened on."""
    own = () if settings.host in _ANYWHERE else (settings.host,)
    return (*settings.dns, *own)


def _addresses(host: str) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror as error:
        if is_address(host):
            return []  # an IPv6 address on a machine that has none
        raise CannotRun(f"--host {host} cannot be used: it has no address on this machine.") from error
    return [(family, str(address[0])) for family, _, _, _, address in found]


def _bind(family: socket.AddressFamily, address: str, port: int) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6 and address != "::":
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((address, port))
        bound.listen(BACKLOG)
        bound.settimeout(0)
    except OSError:
        bound.close()
        raise
    return bound


def _refusal(error: OSError, address: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Port {port} on {address} is in use: stop what listens there, or choose another --port."
        case errno.EACCES:
            return f"Port {port} may not be used by this user: choose a --port above 1023."
        case errno.EADDRNOTAVAIL:
            return f"--host {address} cannot be used: it is not an address of this machine."
        case _:
            return f"Port {port} on {address} cannot be used: {error.strerror}."
