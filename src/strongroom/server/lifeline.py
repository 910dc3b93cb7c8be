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

READY = "ready"
RENEW = 75
"""The exit code of a child that wants to be followed by a new one at once, though it has not been told to go."""
_GRACE = 30.0  # seconds beyond its patience, after which a child that hangs without a supervisor is ended


@dataclass(frozen=True)
class Orders:
    """What a child is to do. ``sockets`` are the numbers of open files that it has inherited."""

    settings: Settings
    worker_id: str = ""
    replaces: str | None = None  # the id of a dead worker whose messages are to be given out anew
    alone: bool = False  # the database is the server's own: no worker can be at work before it has started one
    certificate: str | None = None
    sockets: tuple[int, ...] = ()


def obey(report_to: int, name: str, deed: Callable[[Orders, Callable[[], None]], None]) -> int:
    """Run a child: wait for the orders, do the deed, report; the exit code.

    The deed gets the orders and a function to call when it does its work. A ``CannotRun`` is told to the supervisor.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    orders = _take_orders()
    if orders is None:
        return 0
    logs.configure(orders.settings.log_level, name)
    try:
        deed(orders, lambda: _report(report_to, READY))
    except CannotRun as refusal:
        _report(report_to, refusal.sentence)
        return refusal.code
    return 0


@contextmanager
def held(settings: Settings, patience: float, stop: Callable[[], None]) -> Iterator[None]:
    """Call ``stop`` (in a thread) when the supervisor is gone. A process that then does not end in time is ended.

    What an ephemeral server leaves behind when its supervisor was killed is removed at the end of the block.
    """
    cut = threading.Event()

    def wait() -> None:
        # A thread of its own, so that an event loop that is stuck is no reason to stay.
        while os.read(0, 4096):
            pass
        cut.set()
        stop()
        time.sleep(patience + _GRACE)
        os._exit(1)

    threading.Thread(target=wait, name="lifeline", daemon=True).start()
    yield
    if cut.is_set() and settings.ephemeral:
        data_dir.clear_after(settings.data_dir)


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
    return Orders(settings=settings, sockets=sockets, **told)


def _report(report_to: int, said: str) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: the life-line says so too
        os.write(report_to, said.encode())
        os.close(report_to)
