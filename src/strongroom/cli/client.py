"""An HTTP client of a running server: logs in, makes calls, and turns what goes wrong into one sentence."""

import json
import os
import ssl
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import typer

from strongroom.config import CannotRun

VERSION = "v26.1"
_PATIENCE = httpx.Timeout(30.0, connect=5.0)
_LONG = httpx.Timeout(30.0, connect=5.0, read=45.0)  # an event stream shows a sign of life every 15 seconds


@dataclass(frozen=True)
class Server:
    """Where a server is and who logs in there. Without ``authority`` the system's own CAs are trusted.

    One on this machine (``here``) is never asked for through a proxy.
    """

    url: str
    user: str
    password: str
    authority: Path | None = None
    here: bool = False


@dataclass(frozen=True)
class Api:
    """An open session."""

    server: Server
    http: httpx.Client

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        """The envelope that a GET answers with; ``path`` begins after the version."""
        return _envelope(self._send("GET", path, params={name: value for name, value in query.items() if value}))

    def post(self, path: str, **content: Any) -> dict[str, Any]:
        """The envelope that a POST answers with; ``content`` as httpx takes it (``data``, ``files``, ``json``)."""
        return _envelope(self._send("POST", path, **content))

    def put(self, path: str, **content: Any) -> dict[str, Any]:
        """The envelope that a PUT answers with."""
        return _envelope(self._send("PUT", path, **content))

    def text(self, path: str, **query: Any) -> httpx.Response:
        """The reply to a GET whose body is no envelope, unless it failed."""
        reply = self._send("GET", path, params=query)
        if reply.headers.get("content-type", "").startswith("application/json"):
            _envelope(reply)
        return reply

    def download(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, as they come."""
        with _explained(self.server), self.http.stream("GET", f"/api/{VERSION}{quote(path)}") as reply:
            if reply.headers.get("content-type", "").startswith("application/json"):
                reply.read()
                _envelope(reply)
            yield from reply.iter_bytes()

    def lines(self, path: str, **headers: str) -> Iterator[str]:
        """The lines of a reply that goes on for long, as they come.

        Raises ``httpx.TransportError`` for a connection that is lost, and a server that just now cannot answer.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        with self.http.stream("GET", f"/api/{VERSION}{path}", headers=named, timeout=_LONG) as reply:
            if reply.headers.get("content-type", "").startswith("application/json"):
                reply.read()
                if reply.headers.get("x-vaultapi-status") == "EXCEPTION":
                    raise httpx.RemoteProtocolError("it cannot answer just now")
                _envelope(reply)
            pending = b""
            for piece in reply.iter_bytes():
                *whole, pending = (pending + piece).split(b"\n")
                yield from (line.decode() for line in whole)

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        with _explained(self.server):
            return self.http.request(method, f"/api/{VERSION}{path}", **content)


def server_of(data_dir: Path, environment: Mapping[str, str] = os.environ) -> Server:
    """Find the running server of a data directory on this machine, with its admin or the user of the environment."""
    try:
        told = json.loads((data_dir / "server.json").read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CannotRun(
            f"No server runs on the data directory {data_dir}: start one with strongroom serve, or name another "
            "by --data-dir or --url."
        ) from error
    user = environment.get("STRONGROOM_USER", told["admin_user"])
    password = environment.get("STRONGROOM_PASSWORD") or _kept_password(data_dir, environment)
    return Server(told["url"], user, password, Path(told["ca"]) if told["ca"] else None, here=True)


def server_at(url: str, authority: Path | None) -> Server:
    """A server anywhere; user and password come from the environment, or are asked for on a terminal."""
    _check_address(url)
    user, password = os.environ.get("STRONGROOM_USER"), os.environ.get("STRONGROOM_PASSWORD")
    if not (user and password) and not sys.stdin.isatty():
        raise CannotRun(
            f"There is no terminal on which to ask for the user of {url}: set STRONGROOM_USER and STRONGROOM_PASSWORD.",
            code=2,
        )
    user = user or typer.prompt("User", err=True)
    password = password or typer.prompt("Password", hide_input=True, err=True)
    return Server(url.rstrip("/"), user, password, authority)


@contextmanager
def session(server: Server) -> Iterator[Api]:
    """Log in, and end the session at the end of the block."""
    trust = _trust(server)
    with httpx.Client(base_url=server.url, verify=trust, timeout=_PATIENCE, trust_env=not server.here) as http:
        api = Api(server, http)
        told = api.post("/auth", data={"username": server.user, "password": server.password})
        http.headers["Authorization"] = told["sessionId"]
        try:
            yield api
        finally:
            # The server may be gone; then its session ends by itself.
            with suppress(httpx.HTTPError):
                http.delete(f"/api/{VERSION}/session")


def _check_address(url: str) -> None:
    try:
        # Python's own parser, too: it knows that an address of IPv6 stands in brackets, where httpx takes what comes.
        parts, port = httpx.URL(url), urlsplit(url).port
    except (httpx.InvalidURL, ValueError):
        parts, port = httpx.URL(), None
    if parts.scheme not in {"https", "http"} or not parts.host or port == 0:
        raise CannotRun(
            f"--url {url} is not the address of a server: it must be like https://vault.example.com:8443.", code=2
        )


def _kept_password(data_dir: Path, environment: Mapping[str, str]) -> str:
    if given := environment.get("STRONGROOM_ADMIN_PASSWORD"):
        return given
    try:
        return (data_dir / "admin-password").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise CannotRun(
            f"The admin's password is not kept in {data_dir}: set STRONGROOM_USER and STRONGROOM_PASSWORD."
        ) from error


def _trust(server: Server) -> ssl.SSLContext | bool:
    if server.authority is None:
        return True
    try:
        return ssl.create_default_context(cafile=server.authority)
    except (OSError, ssl.SSLError) as error:
        raise CannotRun(f"The CA certificate {server.authority} cannot be read: {error}.") from error


@contextmanager
def _explained(server: Server) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        raise CannotRun(f"The server {server.url} does not answer: {reason}. {_advice(server, reason)}") from error


def _advice(server: Server, reason: str) -> str:
    if "Hostname mismatch" in reason or "IP address mismatch" in reason:
        return "Use a name that its certificate has, or give it this one by serve --dns."
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        return "Name the CA that has signed its certificate by --cacert."
    if "[SSL" in reason:
        return "Should the address begin with http:// instead of https://?"
    return "Is it still running?" if server.here else "Correct --url, or start it."


def _envelope(reply: httpx.Response) -> dict[str, Any]:
    try:
        envelope: dict[str, Any] = reply.json()
        status = envelope["responseStatus"]
    except (ValueError, KeyError, TypeError) as error:
        raise CannotRun(f"{reply.url} answers HTTP {reply.status_code}, but not as a Vault does.") from error
    if status not in {"SUCCESS", "WARNING"}:
        first = (envelope.get("errors") or [{}])[0]
        raise CannotRun(f"{first.get('message', status)} ({first.get('type', 'UNKNOWN')})")
    return envelope
