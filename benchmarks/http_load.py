"""A load of HTTP requests that looks at every body: closed loop (as fast as answers come) and open loop (at a rate)."""

import asyncio
import itertools
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from benchmarks import measure

Verify = Callable[[bytes], bool]
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 60.0  # seconds that the last answers of an open loop may take


@dataclass
class Load:
    """What came of a load: latencies in seconds, and how long it took."""

    latencies: list[float] = field(default_factory=list)
    wrong: int = 0
    seconds: float = 0.0

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return (len(self.latencies) - self.wrong) / self.seconds

    def notes(self) -> dict[str, float]:
        """The latencies as the notes of a round."""
        return measure.latencies(self.latencies)


@dataclass(frozen=True)
class Target:
    """One request that is sent again and again, and what its body must be. One with a ``body`` is a POST of JSON."""

    url: str
    verify: Verify
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def request(self) -> bytes:
        """The bytes of the request."""
        parts = urlsplit(self.url)
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        lines = [f"{'POST' if self.body else 'GET'} {path} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines += ["Content-Type: application/json", f"Content-Length: {len(self.body)}"]
        return ("\r\n".join(lines) + "\r\n\r\n").encode() + self.body


async def closed_loop(targets: list[Target], seconds: float, connections: int) -> Load:
    """Ask on so many connections, each as soon as it has its answer; every one goes round all the targets."""
    load = Load()
    clients = []
    for number in range(connections):
        order = itertools.cycle(targets[number % len(targets) :] + targets[: number % len(targets)])
        clients.append(await _connected(load, next(order), order))
    began = time.perf_counter()
    for client in clients:
        client.ask(time.perf_counter())
    await asyncio.sleep(seconds)
    load.seconds = time.perf_counter() - began
    for client in clients:
        client.stop()
    await asyncio.wait_for(asyncio.gather(*(client.answered for client in clients)), _PATIENCE)
    load.seconds = time.perf_counter() - began
    for client in clients:
        client.transport.abort()
    return load


async def open_loop(targets: list[Target], rate: float, seconds: float, over: Callable[[], bool]) -> Load:
    """Ask at a rate, whether answers come or not, until it is ``over``, or for so many seconds at most.

    A latency counts from the moment at which the request was due.
    """
    load = Load()
    idle: list[_Client] = []
    waiting: set[asyncio.Future[None]] = set()
    began = time.perf_counter()
    for number in range(int(rate * seconds)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if over():
            break
        target = targets[number % len(targets)]
        client = idle.pop() if idle else await _connected(load, target)
        answered = client.ask_once(target, due)
        waiting.add(answered)
        answered.add_done_callback(partial(_answered, idle, waiting, client))
    if waiting:
        await asyncio.wait(set(waiting), timeout=_PATIENCE)
    load.wrong += len(waiting)
    load.seconds = time.perf_counter() - began
    for client in idle:
        client.transport.abort()
    return load


async def one_by_one(targets: list[Target]) -> Load:
    """Ask on one connection for each target once, in their order, each as soon as the last one is answered.

    This is for small differences: no timer is in the latencies, and those of this event loop are exact to 1 ms only.
    """
    load = Load()
    client = await _connected(load, targets[0])
    began = time.perf_counter()
    for target in targets:
        await asyncio.wait_for(client.ask_once(target, time.perf_counter()), _PATIENCE)
    load.seconds = time.perf_counter() - began
    client.transport.abort()
    return load


def _answered(
    idle: "list[_Client]", waiting: set[asyncio.Future[None]], client: "_Client", done: asyncio.Future[None]
) -> None:
    idle.append(client)
    waiting.discard(done)


async def _connected(load: Load, target: Target, order: "itertools.cycle[Target] | None" = None) -> "_Client":
    place = urlsplit(target.url)
    assert place.hostname
    assert place.port
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(lambda: _Client(target, load, order), place.hostname, place.port)
    return client


class _Client(asyncio.Protocol):
    """One connection. With an ``order`` it goes on to the next target by itself, until it is told to stop."""

    def __init__(self, target: Target, load: Load, order: "itertools.cycle[Target] | None") -> None:
        self._load = load
        self._target = target
        self._order = order
        self._requests: dict[str, bytes] = {}
        self._asked = 0.0
        self._buffer = b""
        self.answered: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvloop's is no subclass
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.answered.done():
            self.answered.set_exception(exc or ConnectionResetError("closed before its answer"))

    def ask(self, moment: float) -> None:
        """Send the request, which was due at a moment."""
        target = self._target
        request = self._requests.get(target.url)
        if request is None:
            request = self._requests[target.url] = target.request()
        self._asked = moment
        self.transport.write(request)

    def ask_once(self, target: Target, due: float) -> asyncio.Future[None]:
        """Send a request that was due at a moment; done when it is answered."""
        self._target, self.answered = target, asyncio.get_running_loop().create_future()
        self.ask(due)
        return self.answered

    def stop(self) -> None:
        """Ask no more: what is asked is still waited for."""
        self._order = None

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        found = _LENGTH.search(self._buffer, 0, end + 2)
        if found is None:
            raise ValueError(f"no content-length: {self._buffer[:end]!r}")
        if len(self._buffer) < end + 4 + int(found[1]):
            return
        body, self._buffer = self._buffer[end + 4 :], b""
        now = time.perf_counter()
        self._load.latencies.append(now - self._asked)
        if not self._target.verify(body):
            self._load.wrong += 1
        if self._order is not None:
            self._target = next(self._order)
            self.ask(time.perf_counter())
        else:
            self.answered.set_result(None)
