"""What the handler of a call is given."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Receive

from strongroom.api.bodies import Body
from strongroom.api.headers import origin
from strongroom.api.known_sessions import KnownSessions
from strongroom.api.limits import Limits
from strongroom.api.pace import Pace
from strongroom.vault import Vault


@dataclass(frozen=True)
class Shared:
    """What all calls of a process share. ``host`` is what the server calls itself, its port included."""

    sessions: KnownSessions
    limits: Limits
    host: str


class Call(msgspec.Struct, frozen=True):
    """One request: the Vault as the session's user sees it, and what was sent.

    ``values`` are the fields of query, body and path, the later before the earlier. ``headers`` have lower-case names.
    A struct, since one is made for each request: a frozen dataclass takes twenty times as long.
    """

    vault: Vault
    version: str
    token: str
    headers: Mapping[str, str]
    values: Mapping[str, Any]
    body: Body
    pace: Pace
    shared: Shared
    receive: Receive

    def __repr__(self) -> str:
        """What may hold a session or a password shows in no traceback."""
        return f"Call(user={self.vault.user.id}, version={self.version})"

    @property
    def origin(self) -> str:
        """``https://`` and the host that the client typed."""
        return origin(self.headers, self.shared.host)

    def path(self, rest: str) -> str:
        """Make the relative URL of a resource, in the version of the request."""
        return f"/api/{self.version}{rest}"

    def url(self, rest: str) -> str:
        """Make the absolute URL of a resource, in the version of the request."""
        return f"{self.origin}/api/{self.version}{rest}"

    async def gone(self) -> None:
        """Wait until the client has left."""
        while (await self.receive())["type"] != "http.disconnect":
            pass  # a body that nobody has asked for
