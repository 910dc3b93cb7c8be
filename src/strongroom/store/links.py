"""Connections that notice a dead link: a host that is lost says no good-bye, and who waits for it waits for ever.

They also know the types of each other, which every connection would ask PostgreSQL for.
"""

import socket
from collections.abc import Collection
from types import SimpleNamespace
from typing import Any

import asyncpg

LOST_SECONDS = 8
"""After so long without a sign of the other host, its connections are given up, on both sides."""

_PROBE_AFTER, _PROBE_EVERY = 4, 2  # seconds

SERVER_SETTINGS = {
    # The server's side: what a lost host has locked is locked for all others, until its connection is given up.
    "tcp_keepalives_idle": str(_PROBE_AFTER),
    "tcp_keepalives_interval": str(_PROBE_EVERY),
    "tcp_keepalives_count": str((LOST_SECONDS - _PROBE_AFTER) // _PROBE_EVERY),
    "tcp_user_timeout": str(LOST_SECONDS * 1000),
}
"""What a connection asks of PostgreSQL; without effect on a Unix socket."""

# What a system does not have (macOS) is left out.
_OPTIONS = {
    "TCP_KEEPIDLE": _PROBE_AFTER,
    "TCP_KEEPINTVL": _PROBE_EVERY,
    "TCP_KEEPCNT": (LOST_SECONDS - _PROBE_AFTER) // _PROBE_EVERY,
    "TCP_USER_TIMEOUT": LOST_SECONDS * 1000,
}


# Types whose ids are below are built in, arrays of text or integers for most: they are the same in every database.
_BUILT_IN = 10_000
_known_types: dict[frozenset[int], Any] = {}


class WatchedConnection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """A connection whose socket gives up after ``LOST_SECONDS``, whether it waits for an answer or for nothing."""

    __slots__ = ()

    def __init__(self, protocol: Any, transport: Any, *others: Any) -> None:
        super().__init__(protocol, transport, *others)
        ours = transport.get_extra_info("socket")
        if ours.family == socket.AF_UNIX:
            return
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _OPTIONS.items():
            if (option := getattr(socket, name, None)) is not None:
                ours.setsockopt(socket.IPPROTO_TCP, option, value)

    async def _introspect_types(
        self,
        typeoids: Collection[int],
        timeout: float | None,  # noqa: ASYNC109 - the driver calls it so
    ) -> tuple[Any, Any]:
        """Ask for built-in types once in a process, as the driver would do on each connection: 5 to 20 ms a time.

        This is a method of the driver's own, which calls it. Should it be called otherwise one day, only time is lost.
        """
        asked = frozenset(typeoids)
        if asked in _known_types:
            # In place of the statement that has asked: one with a name has not taken the place of another.
            return _known_types[asked], SimpleNamespace(name="known")
        types, statement = await super()._introspect_types(typeoids, timeout)
        if max(asked) < _BUILT_IN:
            _known_types[asked] = types
        return types, statement
