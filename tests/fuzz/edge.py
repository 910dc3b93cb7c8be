"""A Vault's application in a thread of its own, and requests to it that no HTTP library would send."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

import anyio
from anyio.from_thread import BlockingPortal
from sqlalchemy import text
from starlette.types import ASGIApp, Message

from strongroom.vault import Vault

PATIENCE = 60.0
"""Seconds that one request may take before it counts as hung, on a machine that is busy with much else."""
ADMIN = "admin@localhost"
PASSWORD = "a password for tests"
_TABLES = ("documents", "document_versions", "renditions", "staging_items", "jobs", "users", "pgqueuer")
Headers = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Ask:
    """One request, byte for byte; ``body`` comes in these pieces."""

    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = ()
    body: Sequence[bytes] = ()


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def media(self) -> str:
        return self.headers["content-type"].partition(";")[0]

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def error(self) -> str:
        """The type of the first error; empty without one."""
        errors: list[dict[str, str]] = self.json.get("errors") or [{"type": ""}]
        return errors[0]["type"]


@dataclass
class Edge:
    """The application, called as a server would call it."""

    portal: BlockingPortal
    app: ASGIApp
    vault: Vault
    session: str = ""
    calls: Counter[str] = field(default_factory=Counter)

    def send(self, ask: Ask, *, session: bool = True) -> Reply:
        """Send a request; every reply is checked for what holds for all of them."""
        reply: Reply = self.portal.call(self._send, ask, session)
        check(reply)
        self.calls[reply.headers["x-vaultapi-status"]] += 1
        return reply

    def get(self, path: str, query: bytes = b"", headers: Headers = ()) -> Reply:
        """A request without a body; ``path`` is below the newest version."""
        return self.send(Ask("GET", b"/api/v26.1" + path.encode(), query, headers))

    def digest(self) -> str:
        """What the Vault holds, as a sum over all rows that a caller can make, change or remove."""
        return self.portal.call(self._digest)

    async def _digest(self) -> str:
        parts = [
            f"SELECT count(*) || coalesce(md5(string_agg(t::text, '' ORDER BY t::text)), '') FROM {table} t"
            for table in _TABLES
        ]
        async with self.vault.database.reading() as connection:
            return str(
                (
                    await connection.execute(text(f"SELECT concat_ws(' ', {', '.join(f'({part})' for part in parts)})"))
                ).scalar_one()
            )

    async def _send(self, ask: Ask, session: bool) -> Reply:
        sent: list[Message] = []
        pieces = [*ask.body]
        ended = anyio.Event()

        async def receive() -> Message:
            if not pieces and ended.is_set():
                await anyio.sleep_forever()
            piece = pieces.pop(0) if pieces else b""
            if not pieces:
                ended.set()
            return {"type": "http.request", "body": piece, "more_body": bool(pieces)}

        async def send(message: Message) -> None:
            sent.append(message)

        own = [(b"authorization", self.session.encode())] if session and self.session else []
        scope = {
            "type": "http",
            "method": ask.method,
            "path": ask.path.decode("latin-1"),
            "raw_path": ask.path,
            "query_string": ask.query,
            "headers": [*own, *ask.headers],
            "scheme": "http",
            "server": ("127.0.0.1", 80),
            "client": ("127.0.0.1", 1),
            "http_version": "1.1",
            "root_path": "",
        }
        with anyio.fail_after(PATIENCE):
            await self.app(scope, receive, send)
        assert sent[0]["type"] == "http.response.start"
        headers = [(name.decode().lower(), value.decode("latin-1")) for name, value in sent[0]["headers"]]
        assert len(dict(headers)) == len(headers), f"a header comes twice: {headers}"
        return Reply(sent[0]["status"], dict(headers), b"".join(each.get("body", b"") for each in sent[1:]))


def check(reply: Reply) -> None:
    """What holds for every reply, whatever was asked."""
    status = reply.headers["x-vaultapi-status"]
    assert len(reply.headers["x-vaultapi-executionid"]) == 36
    assert reply.headers["cache-control"] == "no-store, no-cache"
    assert int(reply.headers["x-vaultapi-burstlimit"]) >= int(reply.headers["x-vaultapi-burstlimitremaining"])
    assert reply.status in {200, 404}, (reply.status, reply.content[:500])
    if reply.media in {"application/json", "application/xml"}:
        told, kinds = _told(reply)
        if told is not None:
            assert told == status
            assert status != "EXCEPTION", reply.content[:500]
            assert (status == "FAILURE") == bool(kinds), reply.content[:500]
            assert (reply.status == 404) == (kinds == ["MALFORMED_URL"]), reply.content[:500]
    else:
        assert (reply.status, status) == (200, "SUCCESS")


def _told(reply: Reply) -> tuple[str | None, list[str | None]]:
    """The status that a body tells, and the types of its errors; no status in the description of the API."""
    if reply.media == "application/xml":
        root = ET.fromstring(reply.content)
        return root.findtext("responseStatus"), [each.findtext("type") for each in root.iterfind("errors/error")]
    body = json.loads(reply.content, parse_constant=_refuse_constant)
    if "openapi" in body:
        return None, []
    return body["responseStatus"], [each["type"] for each in body.get("errors", [])]


def _refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")
