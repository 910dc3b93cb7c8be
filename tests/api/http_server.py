"""An HTTP server in the test's own event loop, and clients that are logged in to it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import uvicorn
from starlette.types import ASGIApp

ADMIN = "admin@localhost"
PASSWORD = "a password for tests"


class _Server(uvicorn.Server):
    """Says when it listens, and on which port."""

    def __init__(self, app: ASGIApp, protocol: Any) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host="127.0.0.1",
                port=0,
                http=protocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
            )
        )
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @property
    def port(self) -> int:
        number: int = self.servers[0].sockets[0].getsockname()[1]
        return number


@asynccontextmanager
async def serving(app: ASGIApp, protocol: Any = "httptools") -> AsyncIterator[int]:
    """Serve an application on a free port of the loopback interface."""
    server = _Server(app, protocol)
    # uvicorn takes over the signals of the process in serve(), which a test runner must keep.
    running = asyncio.create_task(server._serve(None))
    await server.listening.wait()
    try:
        yield server.port
    finally:
        server.should_exit = True
        await running


def client_of(port: int) -> httpx.AsyncClient:
    """A client without a session. It trusts nobody: over plain HTTP it need not read whom the web trusts, each time."""
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=30, verify=trust)


@asynccontextmanager
async def logged_in(port: int, username: str = ADMIN, password: str = PASSWORD) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session."""
    async with client_of(port) as client:
        reply = await client.post("/api/v26.1/auth", data={"username": username, "password": password})
        client.headers["Authorization"] = reply.json()["sessionId"]
        yield client
