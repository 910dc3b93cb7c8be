"""Replies that are given below the application: to what is no HTTP request, what comes too slowly, and at a stop."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from uvicorn._types import ASGISendEvent

from strongroom.api import envelope, formats
from strongroom.api.formats import Format
from strongroom.domain.errors import InvalidData, VaultError

BAD_REQUEST, REQUEST_TIMEOUT, UNAVAILABLE = 400, 408, 503


@dataclass(frozen=True)
class Refusal:
    """An error in the envelope, after which the connection is closed. ``accept`` is the request's header, if known."""

    error: VaultError
    status: int = BAD_REQUEST
    accept: str | None = None

    def as_bytes(self) -> bytes:
        """The whole reply, for a connection on which no application answers."""
        body, headers = self._written()
        lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
        return b"HTTP/1.1 %d \r\n%s\r\n%s" % (self.status, lines, body)

    async def send(self, send: Callable[[ASGISendEvent], Awaitable[None]]) -> None:
        """Give it in place of the application's reply."""
        body, headers = self._written()
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _written(self) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        chosen = formats.negotiate(self.accept)
        content = envelope.failure(self.error)
        body = formats.write(content, Format.JSON if chosen is Format.CSV else chosen, "ApiRestResult")
        return body, [
            (b"content-type", chosen.value.encode()),
            (b"x-vaultapi-status", str(content["responseStatus"]).encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]


def head_too_late(seconds: float, accept: str | None) -> Refusal:
    """The headers of a request did not come whole in time."""
    error = InvalidData(f"The request's headers did not come whole within {seconds:.15g} seconds.")
    return Refusal(error, REQUEST_TIMEOUT, accept)


def body_stalled(seconds: float, accept: str | None) -> Refusal:
    """Nothing more of a body came."""
    error = InvalidData(f"The request's body is not whole, and nothing more of it came for {seconds:.15g} seconds.")
    return Refusal(error, REQUEST_TIMEOUT, accept)


def stopping(accept: str | None) -> Refusal:
    """The server stops before the request is done."""
    return Refusal(VaultError("The server is stopping, and the request was not done. Ask again."), UNAVAILABLE, accept)


def too_many_connections(most: int) -> Refusal:
    """All connections that there can be are in use."""
    error = VaultError(f"The server has {most} open connections, which is the most, and all of them are in use.")
    return Refusal(error, UNAVAILABLE)
