"""A child's side of its pipes to the supervisor: orders come in, and the end of that pipe says that nobody is left."""

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from strongroom.config import CannotRun, Settings, from_orders
from strongroom.server import data_dir, logs

PREPARED = "prepared\n"
READY = "ready"
RENEW = 75
"""The exit code of a child that wants to be followed by a new one at once, though it has not been told to go."""
_GRACE = 30.0  # seconds beyond its patience, after which a child that hangs without a supervisor is ended


@dataclass(frozen=True)
class Orders:
    """What a child is to do. ``sockets`` are the numbers of open files that it has inherited."""

    settings: Settings
    preparing: Settings | None = None  # to prepare the database with, before anything else; with the admin's password
    worker_id: str = ""
    replaces: str | None = None  # the id of a dead worker whose messages are to be given out anew
    alone: bool = False  # the database is the server's own: no worker can be at work before it has started one
    certificate: str | None = None
    sockets: tuple[int, ...] = ()


class Lifeline:
    """A child's two pipes: what it reports, and what ends when its supervisor is gone."""

    def __init__(self, report_to: int) -> None:
        self._report_to = report_to
        self._cut = threading.Event()
        self._patience = 0.0
        self._stop: Callable[[], None] = lambda: None

    def prepared(self) -> None:
        """Report that the database is prepared: the other children may begin."""
        with contextlib.suppress(OSError):  # nobody listens any more: the end of the orders says so too
            os.write(self._report_to, PREPARED.encode())

    def ready(self) -> None:
        """Report that the child does its work."""
        self.report(READY)

    def report(self, said: str) -> None:
        """Report for the last time: that it is ready, or why it cannot be."""
        with contextlib.suppress(OSError):
            os.write(self._report_to, said.encode())
            os.close(self._report_to)

    def watch(self) -> None:
        """Begin to look (in a thread) whether the supervisor is gone. A child that then does not end is ended."""
        # A thread of its own, so that an event loop that is stuck is no reason to stay.
        threading.Thread(target=self._wait, name="lifeline", daemon=True).start()

    @contextmanager
    def held(self, settings: Settings, patience: float, stop: Callable[[], None]) -> Iterator[None]:
        """Call ``stop`` (in a thread, maybe twice) when the supervisor is gone; it may take ``patience`` seconds.

        What an ephemeral server leaves behind when its supervisor was killed is removed at the end of the block.
        """
        self._patience, self._stop = patience, stop
        if self._cut.is_set():
            stop()
        yield
        if self._cut.is_set() and settings.ephemeral:
            data_dir.clear_after(settings.data_dir)

    def _wait(self) -> None:
        while os.read(0, 4096):
            pass
        self._cut.set()
        self._stop()
        time.sleep(self._patience + _GRACE)
        os._exit(1)


def obey(report_to: int, name: str, prepare: Callable[[Orders], None], deed: Callable[[Orders, Lifeline], None]) -> int:
    """Run a child: wait for the orders, prepare the database if they say so, do the deed, report; the exit code.

    A ``CannotRun`` is told to the supervisor.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    orders, line = _take_orders(), Lifeline(report_to)
    if orders is None:
        return 0
    logs.configure(orders.settings.log_level, name)
    line.watch()
    try:
        if orders.preparing:
            prepare(orders)
            line.prepared()
        deed(orders, line)
    except CannotRun as refusal:
        line.report(refusal.sentence)
        return refusal.code
    return 0


def tie() -> None:
    """Stop this process, as SIGTERM would, when nobody holds the other end of its standard input any more.

    For a command whose caller may be killed: ``strongroom _held serve ...`` ends with the one who has started it.
    """

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()


def _take_orders() -> Orders | None:
    line = bytearray()
    while not line.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            return None
        line += more
    told: dict[str, Any] = json.loads(line)
    settings, sockets = from_orders(told.pop("settings")), tuple(told.pop("sockets", ()))
    preparing = from_orders(told.pop("preparing")) if "preparing" in told else None
    return Orders(settings=settings, preparing=preparing, sockets=sockets, **told)
