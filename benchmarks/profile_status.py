"""What each microsecond of a status read, and of the start of a job, goes to: ``python -m benchmarks.profile_status``.

The real protocol, application, services and database driver run in this process; only the sockets of the clients are
missing. Each call is measured twice: as it is, which gives its CPU time, and while the kernel's profiling timer stops
it now and then to look where it is, which gives the shares. (A profiler that is told of each function call would make
short functions look dear.) What the event loop does, which is not written in Python, counts for the function after it.
"""

import argparse
import asyncio
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any

import uvicorn
import uvloop
from benchmarks import bare
from benchmarks.servers import postgres, sql
from benchmarks.vaults import PASSWORD, Prepared, prepared
from uvicorn.server import ServerState

from strongroom import kinds
from strongroom.api.app import application
from strongroom.kinds.document_export import DocumentExport, DocumentExportInput, DocumentRow
from strongroom.sdk import load
from strongroom.server.protocol import Bounds, EnvelopeProtocol
from strongroom.services import jobs, sessions
from strongroom.vault import Vault

_STAGES = (
    ("benchmarks/", "this measurement"),
    ("strongroom/server/heads", "server: the head"),
    ("strongroom/server/exchange", "server: the exchange"),
    ("strongroom/server/", "server: the connection"),
    ("uvicorn/", "server: uvicorn and its parser"),
    ("strongroom/api/routing", "routing"),
    ("strongroom/api/app.py:_respond.<locals>", "headers of the request"),
    ("strongroom/api/app.py:_execution_id", "id of the execution"),
    ("strongroom/api/app.py:_session", "session"),
    ("strongroom/api/known_sessions", "session"),
    ("strongroom/services/sessions", "session"),
    ("strongroom/api/bodies", "body, query and input"),
    ("strongroom/api/multipart", "body, query and input"),
    ("strongroom/api/binding", "body, query and input"),
    ("strongroom/api/app.py:_taken", "body, query and input"),
    ("strongroom/api/kinds", "body, query and input"),
    ("starlette/", "Starlette's request"),
    ("strongroom/api/envelope", "envelope, response"),
    ("strongroom/api/app.py:_written", "envelope, response"),
    ("strongroom/api/app.py:_enveloped", "envelope, response"),
    ("strongroom/api/reply", "envelope, response"),
    ("strongroom/api/formats", "encoding, content type"),
    ("strongroom/api/xml", "encoding, content type"),
    ("strongroom/api/headers", "headers of the reply"),
    ("/uuid.py", "headers of the reply"),
    ("strongroom/api/endpoints/", "keys of the reply"),
    ("strongroom/domain/", "keys of the reply"),
    ("strongroom/api/limits", "limits"),
    ("strongroom/api/bursts", "limits"),
    ("strongroom/api/", "application: the rest"),
    ("strongroom/services/", "service"),
    ("strongroom/kinds/", "service"),
    ("strongroom/vault", "service"),
    ("strongroom/store/together", "store: those who share a statement"),
    ("strongroom/store/", "store"),
    ("sqlalchemy/", "SQLAlchemy"),
    ("greenlet", "SQLAlchemy"),
    ("asyncpg/", "asyncpg"),
    ("pgqueuer/", "PgQueuer's enqueue"),
    ("pydantic", "PgQueuer's enqueue"),
)
_LOOP = "event loop"
_CONNECTIONS = 16


def measured(calls: int) -> str:
    """Measure so many calls of each kind; gives the table, as lines of text."""
    with postgres() as url, prepared(url) as place:
        return _table(uvloop.run(_profiles(place, calls)))


@dataclass
class Client(asyncio.Transport):
    """One connection, without a socket: what the server writes is looked at, and asked for again."""

    request: bytes
    expected: bytes
    left: int = 0
    done: "asyncio.Future[None] | None" = field(default=None, repr=False)
    protocol: EnvelopeProtocol | None = field(default=None, repr=False)
    written: bytes = b""

    def __post_init__(self) -> None:
        super().__init__()

    def write(self, data: Any) -> None:
        """Take bytes of the answer; when it is whole, ask again from the loop, as a socket would."""
        self.written += data
        head, end, body = self.written.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]):
            return
        assert self.expected in body, body
        self.written = b""
        self.left -= 1
        assert self.done is not None
        if self.left:
            asyncio.get_running_loop().call_soon(self.ask)
        else:
            self.done.set_result(None)

    def ask(self) -> None:
        """Send the request."""
        assert self.protocol is not None
        self.protocol.data_received(self.request)

    def is_closing(self) -> bool:
        """Never."""
        return False

    def get_write_buffer_size(self) -> int:
        """All is written at once."""
        return 0

    def close(self) -> None:
        """There is nothing to be closed."""

    def pause_reading(self) -> None:
        """Nothing comes but what was asked for."""

    def resume_reading(self) -> None:
        """The same."""


@dataclass(frozen=True)
class Profile:
    """A kind of call: its CPU time in this process, in microseconds, and in how many samples each stage was found."""

    name: str
    microseconds: float
    stages: Counter[str]

    def of(self, stage: str) -> float:
        """The microseconds of a stage."""
        return self.microseconds * self.stages[stage] / max(self.stages.total(), 1)


Run = Callable[[int], Awaitable[None]]


async def profile(name: str, run: Run, calls: int) -> Profile:
    """Measure ``run(calls)``, which makes so many calls."""
    await run(max(calls // 10, 1))
    began = time.process_time()
    await run(calls)
    seconds = time.process_time() - began
    stages: Counter[str] = Counter()
    before = signal.signal(signal.SIGPROF, lambda _, frame: stages.update([_stage(frame)]))
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)  # the kernel makes of it what it can
    try:
        await run(calls)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return Profile(name, seconds / calls * 1e6, stages)


def _stage(frame: FrameType | None) -> str:
    """The stage of the innermost function that belongs to one: what the libraries below it do is done for it."""
    while frame is not None:
        place = f"{frame.f_code.co_filename}:{frame.f_code.co_qualname}"
        for part, stage in _STAGES:
            if part in place:
                return stage
        frame = frame.f_back
    return _LOOP


def _http(app: Any, request: bytes, expected: bytes, connections: int) -> Run:
    """Calls of an ASGI application through the protocol of our web processes, on so many connections."""
    bounds = Bounds(head_seconds=3600, stall_seconds=3600, connections=1000)
    protocol: Any = partial(EnvelopeProtocol, bounds)
    config = uvicorn.Config(app, http=protocol, ws="none", lifespan="off", log_config=None, access_log=False)
    config.proxy_headers = config.server_header = False
    config.load()

    async def run(calls: int) -> None:
        loop = asyncio.get_running_loop()
        clients = [Client(request, expected, max(calls // connections, 1)) for _ in range(connections)]
        for client in clients:
            client.protocol = EnvelopeProtocol(bounds, config, ServerState(), {})
            client.protocol.connection_made(client)
            client.done = loop.create_future()
            client.ask()
        await asyncio.gather(*(client.done for client in clients if client.done))
        for client in clients:
            assert client.protocol is not None
            client.protocol.connection_lost(None)

    return run


def _service(vault: Vault, callers: int) -> Run:
    """Starts of a job by the service function, by so many callers at a time."""
    kind, given = DocumentExport(), DocumentExportInput(documents=[DocumentRow(1)])

    async def run(calls: int) -> None:
        async def call() -> None:
            for _ in range(max(calls // callers, 1)):
                await jobs.start(vault, kind, given)

        await asyncio.gather(*(call() for _ in range(callers)))

    return run


async def _profiles(place: Prepared, calls: int) -> list[Profile]:
    async with place.opened() as vault:
        token = (await sessions.authenticate(vault, vault.settings.admin_user, PASSWORD)).token
        kind, given = DocumentExport(), DocumentExportInput(documents=[DocumentRow(1)])
        ended, running = [(await jobs.start(vault, kind, given)).id for _ in range(2)]
        await asyncio.to_thread(sql, place.url, _END, ended, running)
        app = application(vault, load(kinds))

        def read(job_id: int, accept: str = "application/json") -> bytes:
            return _request("GET", f"/services/jobs/{job_id}", token, accept)

        start = _request("POST", "/objects/documents/batch/actions/fileextract", token, body=b'[{"id":"1"}]')
        return [
            await profile("bare", _http(bare.same_bytes, read(ended), bare.BODY, _CONNECTIONS), calls),
            await profile("finished", _http(app, read(ended), b'"status":"SUCCESS"', _CONNECTIONS), calls),
            await profile(
                "XML", _http(app, read(ended, "application/xml"), b"<status>SUCCESS</status>", _CONNECTIONS), calls
            ),
            await profile("running", _http(app, read(running), b'"status":"RUNNING"', _CONNECTIONS), calls),
            await profile("start", _http(app, start, b'"job_id"', 8), calls // 4),
            await profile("start, service", _service(vault, 8), calls // 4),
        ]


_END = """
    UPDATE jobs SET status = CASE id WHEN $1::integer THEN 'SUCCESS' ELSE 'RUNNING' END, run_start_date = created_date,
        run_end_date = CASE id WHEN $1::integer THEN created_date END
    WHERE id IN ($1::integer, $2::integer)
"""


def _request(method: str, path: str, token: str, accept: str = "application/json", body: bytes = b"") -> bytes:
    lines = [f"{method} /api/v26.1{path} HTTP/1.1", "Host: localhost:8443", f"Authorization: {token}"]
    lines += [f"Accept: {accept}", "X-VaultAPI-ClientID: benchmark"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def _table(profiles: list[Profile]) -> str:
    """The stages as rows, the kinds of calls as columns, in microseconds of CPU time a call."""
    order = [*dict.fromkeys(stage for _, stage in _STAGES), _LOOP]
    rows = [["microseconds", *(each.name for each in profiles)]]
    seen = [stage for stage in order if any(each.stages[stage] for each in profiles)]
    rows += [[stage, *(f"{each.of(stage):.1f}" for each in profiles)] for stage in seen]
    rows.append(["samples", *(str(each.stages.total()) for each in profiles)])
    rows.append(["in all", *(f"{each.microseconds:.1f}" for each in profiles)])
    width = max(len(row[0]) for row in rows)
    return "\n".join(row[0].ljust(width) + "".join(cell.rjust(16) for cell in row[1:]) for row in rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile_status", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000, help="how many of each (default 100000)")
    print(measured(parser.parse_args().calls))


if __name__ == "__main__":
    main()
