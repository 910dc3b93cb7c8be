"""The ASGI application: session, route, input, one call of a handler, and the reply with its headers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from strongroom.api import bodies, endpoints, envelope, formats, openapi, webhook_headers
from strongroom.api import kinds as kind_endpoints
from strongroom.api.binding import bind
from strongroom.api.call import Call, Shared
from strongroom.api.declaration import Declaration, Endpoint
from strongroom.api.formats import Format
from strongroom.api.headers import Caller, response_headers
from strongroom.api.known_sessions import KnownSessions
from strongroom.api.limits import Limits
from strongroom.api.pace import Pace
from strongroom.api.reply import Reply
from strongroom.api.routing import Match, Router
from strongroom.domain.errors import InvalidSessionId, VaultError
from strongroom.sdk.registry import Kinds
from strongroom.services import contents
from strongroom.vault import Vault

_NO_BODY = bodies.Body()

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Edge:
    """What all requests share."""

    vault: Vault
    router: Router
    shared: Shared


@dataclass
class _Exchange:
    """What is known of one request so far; the reply to an error needs no more than that."""

    scope: Scope
    receive: Receive
    headers: Mapping[str, str]
    id: str
    format: Format
    login: bool = False
    caller: Caller | None = None
    version: str | None = None
    pace: Pace = field(default_factory=Pace)
    webhook: webhook_headers.Asked | None = None


def application(vault: Vault, kinds: Kinds) -> ASGIApp:
    """Make the ASGI application that serves a Vault, with the calls of these kinds of jobs."""
    router = Router(served(kinds))
    settings = vault.settings
    shared = Shared(KnownSessions(vault), Limits.of(settings), f"{settings.host}:{settings.port}")
    edge = _Edge(vault, router, shared)

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, shared.limits)
        elif scope["type"] == "http":
            try:
                response = await _respond(edge, scope, receive)
            except ClientDisconnect:
                return
            await response(scope, receive, send)

    return serve


def served(kinds: Kinds) -> list[Endpoint]:
    """Give every call that a server with these kinds of jobs answers."""
    calls = [*endpoints.load(), *kind_endpoints.mounted(kinds.values())]
    return [*calls, openapi.describing(calls)]


async def _respond(edge: _Edge, scope: Scope, receive: Receive) -> Response | Reply:
    received = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    # First, since what the router refuses is written in the client's format, too.
    exchange = _Exchange(scope, receive, received, _execution_id(), formats.negotiate(received.get("accept")))
    try:
        match = edge.router.find(scope["method"], _raw_path(scope))
        declaration, exchange.version = match.endpoint.declaration, match.version
        exchange.login = declaration.session == "none"
        if declaration.csv:
            exchange.format = formats.negotiate(received.get("accept"), csv_offered=True)
        result = await _handle(edge, exchange, match)
        response, status = _written(result, exchange.format, declaration.root)
    except VaultError as error:
        body = envelope.failure(error, login=exchange.login)
        response, status = _enveloped(body, exchange.format, code=envelope.status_code(error))
    except ClientDisconnect:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client gets an envelope and the log the cause
        _log.exception("unexpected error", reference=exchange.id, method=scope["method"], path=scope["path"])
        response, status = _enveloped(envelope.unexpected(exchange.id), exchange.format)
    burst = await edge.shared.limits.bursts.count(edge.vault)
    if burst.exceeded:
        exchange.pace.slow_down()
    response.raw_headers += response_headers(exchange.id, status, burst, exchange.caller, received, exchange.version)
    if exchange.webhook is not None and status == envelope.SUCCESS:
        response.raw_headers += exchange.webhook.reply
    if exchange.pace.delay:
        response.raw_headers.append(exchange.pace.header())
        await exchange.pace.keep()
    return response


async def _handle(edge: _Edge, exchange: _Exchange, match: Match) -> Any:
    declaration, received = match.endpoint.declaration, exchange.headers
    vault, token = await _session(edge, exchange, declaration)
    exchange.webhook = webhook_headers.read(received) if declaration.starts_job else None
    if exchange.webhook is not None:
        vault = replace(vault, webhook=exchange.webhook.webhook)
    body, values, given = await _taken(exchange, match, vault)
    call = Call(vault, match.version, token, received, values, body, exchange.pace, edge.shared, exchange.receive)
    if match.endpoint.input is None:
        return await match.endpoint.handler(call)
    return await match.endpoint.handler(call, given)


async def _taken(exchange: _Exchange, match: Match, vault: Vault) -> tuple[bodies.Body, dict[str, Any], Any]:
    """Read what was sent: the body, the values of query, body and path, and what the handler takes of them."""
    expected, kind = match.endpoint.declaration.body, match.endpoint.input
    if expected is None and not exchange.scope["query_string"]:
        return _NO_BODY, match.values, match.input  # who polls asks for one path again and again: it is read once
    body = _NO_BODY
    if expected is not None:
        pieces = Request(exchange.scope, exchange.receive).stream()
        body = await bodies.read(pieces, exchange.headers, expected, lambda file: contents.store(vault, file))
    values = {**bodies.query_fields(exchange.scope["query_string"]), **body.fields, **match.values}
    return body, values, None if kind is None else bind(kind, values)


async def _session(edge: _Edge, exchange: _Exchange, declaration: Declaration) -> tuple[Vault, str]:
    """Find whose session it is: the Vault as that user sees it, and the session's token (empty without one)."""
    sent = exchange.headers.get("authorization", "").strip()
    if declaration.session == "none" or (declaration.session == "optional" and not sent):
        return edge.vault, ""
    scheme, _, rest = sent.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else sent
    if not token:
        raise InvalidSessionId
    known = await edge.shared.sessions.find(token)
    exchange.caller = known.caller
    return known.vault, token


def _written(result: Any, chosen: Format, root: str) -> tuple[Response | Reply, str]:
    """Make a response of what a handler returned: keys of the envelope, rows, or a response of its own."""
    if isinstance(result, Response):
        return result, envelope.SUCCESS
    if isinstance(result, formats.Rows):
        if chosen is Format.CSV:
            return Response(formats.write_csv(result), media_type=Format.CSV), envelope.SUCCESS
        result = {"data": result.rows}
    return _enveloped(envelope.success(result), chosen, root)


def _enveloped(
    body: dict[str, Any], chosen: Format, root: str = "ApiRestResult", code: int = 200
) -> tuple[Response | Reply, str]:
    chosen = Format.JSON if chosen is Format.CSV else chosen
    return Reply(formats.write(body, chosen, root), chosen, code), body["responseStatus"]


def _execution_id() -> str:
    """A random UUID of version 4, written at a third of the cost of making one."""
    drawn = os.urandom(16).hex()
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-a{drawn[17:20]}-{drawn[20:]}"


def _raw_path(scope: Scope) -> bytes:
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return raw


async def _live(receive: Receive, send: Send, limits: Limits) -> None:
    """Follow the server's life."""
    while True:
        event = (await receive())["type"]
        if event == "lifespan.shutdown":
            await limits.close()
        await send({"type": f"{event}.complete"})
        if event == "lifespan.shutdown":
            return
