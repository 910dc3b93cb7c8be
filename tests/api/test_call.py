"""What a handler is given shows nothing that is secret where it is printed."""

import pytest
from starlette.types import Message

from strongroom.api.bodies import Body
from strongroom.api.call import Call, Shared
from strongroom.api.known_sessions import KnownSessions
from strongroom.api.limits import Limits
from strongroom.api.pace import Pace
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


async def nothing() -> Message:
    """A client that has left."""
    return {"type": "http.disconnect"}


async def test_neither_session_nor_password_is_shown(system_vault: Vault) -> None:
    shared = Shared(KnownSessions(system_vault), Limits.of(system_vault.settings), "localhost:8443")
    sent, body = {"password": "a-secret"}, Body(fields={"password": "a-secret"})
    call = Call(system_vault, "v26.1", "a-secret", {"authorization": "a-secret"}, sent, body, Pace(), shared, nothing)
    assert "v26.1" in repr(call)
    assert "a-secret" not in repr(call)
