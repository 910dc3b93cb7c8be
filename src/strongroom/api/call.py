"""What the handler of a call is given."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from strongroom.api.bodies import Body
from strongroom.api.known_sessions import KnownSessions
from strongroom.api.limits import Limits
from strongroom.api.pace import Pace
from strongroom.vault import Vault


@dataclass(frozen=True)
class Call:
    """One request: the Vault as the session's user sees it, and what was sent.

    ``values`` are the fields of query, body and path, the later before the earlier. ``headers`` have lower-case names.
    ``origin`` is ``https://`` and the host that the client typed.
    """

    vault: Vault
    version: str
    origin: str
    # What may hold a session or a password shows in no traceback.
    token: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    values: Mapping[str, Any] = field(repr=False)
    body: Body = field(repr=False)
    limits: Limits
    pace: Pace
    sessions: KnownSessions
    gone: Callable[[], Awaitable[None]] = field(repr=False)
    """Waits until the client has left."""

    def path(self, rest: str) -> str:
        """Make the relative URL of a resource, in the version of the request."""
        return f"/api/{self.version}{rest}"

    def url(self, rest: str) -> str:
        """Make the absolute URL of a resource, in the version of the request."""
        return f"{self.origin}/api/{self.version}{rest}"
