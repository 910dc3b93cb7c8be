"""Bare ASGI callables on the server that Strongroom's web processes use: what no framework and no work costs.

``python -m benchmarks.bare PORT`` answers every request with the same few bytes; with a folder behind the port it is a
Starlette application that writes uploads there, as they come, and sends them back.
"""

import asyncio
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from strongroom.server.protocol import Bounds, EnvelopeProtocol

BODY = b'{"responseStatus":"SUCCESS"}'


async def same_bytes(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer each request with the same few bytes."""
    if scope["type"] == "http":
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": BODY})


def files(folder: Path) -> Starlette:
    """Write and read one file: what comes is written as it comes, and is on the disk before it is answered."""
    file = folder / "file"

    async def write(request: Request) -> Response:
        size = 0
        with file.open("wb") as out:
            async for piece in request.stream():
                size += out.write(piece)
            out.flush()
            await asyncio.to_thread(os.fsync, out.fileno())
        return JSONResponse({"size": size})

    async def read(_request: Request) -> Response:
        return FileResponse(file)

    return Starlette(routes=[Route("/", write, methods=["POST"]), Route("/", read, methods=["GET"])])


def main() -> None:
    """Serve, set up as ``strongroom.server.web`` does it."""
    protocol: Any = partial(EnvelopeProtocol, Bounds(head_seconds=30, stall_seconds=60, connections=1000))
    uvicorn.run(
        files(Path(sys.argv[2])) if len(sys.argv) > 2 else same_bytes,
        port=int(sys.argv[1]),
        http=protocol,
        loop="uvloop",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
