"""An HTTP client of a running server: logs in, makes calls, and turns what goes wrong into one sentence."""

import json
import os
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import typer

from strongroom.config import CannotRun

VERSION = "v26.1"
_PATIENCE = httpx.Timeout(30.0, connect=5.0)


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
    """A server anywhere; user and password come from the environment, or are asked for."""
    user = os.environ.get("STRONGROOM_USER") or typer.prompt("User", err=True)
    password = os.environ.get("STRONGROOM_PASSWORD") or typer.prompt("Password", hide_input=True, err=True)
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
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise CannotRun(f"{server.url} is not the address of a server: it begins with https://.", code=2) from error
    except httpx.HTTPError as error:
        advice = " Is its CA given by --cacert?" if "CERTIFICATE_VERIFY_FAILED" in str(error) else ""
        raise CannotRun(
            f"The server {server.url} does not answer: {str(error) or type(error).__name__}.{advice}"
        ) from error


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
