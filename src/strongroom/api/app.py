"""The ASGI application: session, route, input, one call of a handler, and the reply with its headers."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from strongroom.api import bodies, endpoints, envelope, formats, openapi, webhook_headers
from strongroom.api import kinds as kind_endpoints
from strongroom.api.binding import bind
from strongroom.api.call import Call
from strongroom.api.declaration import Declaration, Endpoint
from strongroom.api.formats import Format
from strongroom.api.headers import Caller, origin, response_headers
from strongroom.api.known_sessions import KnownSessions
from strongroom.api.limits import Limits
from strongroom.api.pace import Pace
from strongroom.api.reply import Reply
from strongroom.api.routing import Match, Router
from strongroom.domain.errors import InvalidSessionId, VaultError
from strongroom.sdk.registry import Kinds
from strongroom.services import contents
from strongroom.vault import Vault

_log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Edge:
    """What all requests share."""

    vault: Vault
    router: Router
    sessions: KnownSessions
    limits: Limits
    host: str


@dataclass
class _Exchange:
    """What is known of one request so far; the reply to an error needs no more than that."""

    request: Request
    headers: Mapping[str, str]
    id: str
    format: Format = Format.JSON
    login: bool = False
    caller: Caller | None = None
    version: str | None = None
    pace: Pace = field(default_factory=Pace)
    webhook: webhook_headers.Asked | None = None


def application(vault: Vault, kinds: Kinds) -> ASGIApp:
    """Make the ASGI application that serves a Vault, with the calls of these kinds of jobs."""
    router = Router(served(kinds))
    settings = vault.settings
    edge = _Edge(vault, router, KnownSessions(vault), Limits.of(settings), f"{settings.host}:{settings.port}")

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send, edge.limits)
        elif scope["type"] == "http":
            try:
                response = await _respond(edge, Request(scope, receive))
            except ClientDisconnect:
                return
            await response(scope, receive, send)

    return serve


def served(kinds: Kinds) -> list[Endpoint]:
    """Give every call that a server with these kinds of jobs answers."""
    calls = [*endpoints.load(), *kind_endpoints.mounted(kinds.values())]
    return [*calls, openapi.describing(calls)]


async def _respond(edge: _Edge, request: Request) -> Response | Reply:
    received = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.scope["headers"]}
    exchange = _Exchange(request, received, _execution_id())
    try:
        # First, since what the router refuses is written in the client's format, too.
        exchange.format = formats.negotiate(received.get("accept"))
        match = edge.router.find(request.scope["method"], _raw_path(request.scope))
        declaration, exchange.version = match.endpoint.declaration, match.version
        exchange.login = declaration.session == "none"
        exchange.format = formats.negotiate(received.get("accept"), csv_offered=declaration.csv)
        result = await _handle(edge, exchange, match)
        response, status = _written(result, exchange.format, declaration.root)
    except VaultError as error:
        body = envelope.failure(error, login=exchange.login)
        response, status = _enveloped(body, exchange.format, code=envelope.status_code(error))
    except ClientDisconnect:
        raise
    except Exception:  # noqa: BLE001 - whatever it is, the client gets an envelope and the log the cause
        _log.exception("unexpected error", reference=exchange.id, method=request.method, path=request.url.path)
        response, status = _enveloped(envelope.unexpected(exchange.id), exchange.format)
    burst = await edge.limits.bursts.count(edge.vault)
    if burst.exceeded:
        exchange.pace.slow_down()
    response.raw_headers.extend(
        response_headers(exchange.id, status, burst, exchange.caller, received, exchange.version)
    )
    response.raw_headers.extend(exchange.pace.headers())
    if exchange.webhook is not None and status == envelope.SUCCESS:
        response.raw_headers.extend(exchange.webhook.reply)
    await exchange.pace.keep()
    return response


async def _handle(edge: _Edge, exchange: _Exchange, match: Match) -> Any:
    declaration, received = match.endpoint.declaration, exchange.headers
    vault, token = await _session(edge, exchange, declaration)
    exchange.webhook = webhook_headers.read(received)
    if exchange.webhook is not None:
        vault = replace(vault, webhook=exchange.webhook.webhook)
    body = bodies.Body()
    if declaration.body is not None:
        body = await bodies.read(
            exchange.request.stream(), received, declaration.body, lambda pieces: contents.store(vault, pieces)
        )
    query = bodies.query_fields(exchange.request.scope["query_string"])
    values = {**query, **body.fields, **bodies.refuse_nul(match.parameters)}
    call = Call(
        vault,
        match.version,
        origin(received, edge.host),
        token,
        received,
        values,
        body,
        edge.limits,
        exchange.pace,
        edge.sessions,
        partial(_gone, exchange.request),
    )
    if match.endpoint.input is None:
        return await match.endpoint.handler(call)
    return await match.endpoint.handler(call, bind(match.endpoint.input, values))


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass  # a body that nobody has asked for


async def _session(edge: _Edge, exchange: _Exchange, declaration: Declaration) -> tuple[Vault, str]:
    """Find whose session it is: the Vault as that user sees it, and the session's token (empty without one)."""
    sent = exchange.headers.get("authorization", "").strip()
    if declaration.session == "none" or (declaration.session == "optional" and not sent):
        return edge.vault, ""
    scheme, _, rest = sent.partition(" ")
    token = rest.strip() if scheme.lower() == "bearer" else sent
    if not token:
        raise InvalidSessionId
    known = await edge.sessions.find(token)
    exchange.caller = known.caller
    return known.vault, token


def _written(result: Any, chosen: Format, root: str) -> tuple[Response | Reply, str]:
    """Make a response of what a handler returned: keys of the envelope, rows, or a response of its own."""
    if isinstance(result, Response):
        return result, envelope.SUCCESS
    if isinstance(result, formats.Rows):
        if chosen is Format.CSV:
            return Response(formats.write_csv(result), media_type=Format.CSV.value), envelope.SUCCESS
        result = {"data": result.rows}
    return _enveloped(envelope.success(result), chosen, root)


def _enveloped(
    body: dict[str, Any], chosen: Format, root: str = "ApiRestResult", code: int = 200
) -> tuple[Response | Reply, str]:
    chosen = Format.JSON if chosen is Format.CSV else chosen
    return Reply(formats.write(body, chosen, root), chosen.value, code), body["responseStatus"]


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
