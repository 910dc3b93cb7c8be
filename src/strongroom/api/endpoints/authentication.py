"""Sessions: log in, keep alive, log out."""

from dataclasses import dataclass, field
from typing import Any

from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.services import sessions


@dataclass(frozen=True)
class Credentials:
    """Who logs in. ``vaultDNS`` names the wanted Vault; this server has one, which every name leads to."""

    username: str | None = None
    password: str | None = field(default=None, repr=False)
    vaultDNS: str | None = None  # noqa: N815 - the API's name


@endpoint("POST", "/auth", body=FORM, session="none", root="VersionedAuthRestResult")
async def user_name_and_password(call: Call, asked: Credentials) -> dict[str, Any]:
    """User Name and Password."""
    if asked.username and asked.password:
        host = call.headers.get("host", "")
        await call.shared.limits.logins.accept(call.vault, asked.username, host, call.pace)
    session = await sessions.authenticate(call.vault, asked.username, asked.password)
    info = call.vault.info
    return {
        "sessionId": session.token,
        "userId": session.user.id,
        "vaultIds": [{"id": info.id, "name": info.name, "url": f"{call.origin}/api"}],
        "vaultId": info.id,
    }


@endpoint("POST", "/keep-alive", body=FORM)
async def session_keep_alive(call: Call) -> dict[str, Any]:
    """Session Keep Alive."""
    await sessions.keep_alive(call.vault, call.token)
    return {}


@endpoint("DELETE", "/session", body=FORM)
async def end_session(call: Call) -> dict[str, Any]:
    """End Session."""
    await sessions.end(call.vault, call.token)
    call.shared.sessions.forget(call.token)
    return {}
