"""Changes of jobs' statuses, as PostgreSQL tells of them: one connection of this process listens for all who watch.

Who watches a job is entered first, then reads its row, then waits: nothing can happen unseen in between. What happens
while the connection is lost is not told, so that everybody is to look at the row anew when there is one again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import structlog

CHANNEL = "job_status"
LINGER = 30.0
"""After how many seconds without anybody who watches the connection is closed, at the latest after twice as many."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0  # seconds between two attempts to connect
_MOST_TOLD = 100  # more changes than a job can have; who does not look for them looks at the row

_log = structlog.get_logger(__name__)


@dataclass(eq=False)
class Watch:
    """What somebody who watches a job has been told since he last looked."""

    told: deque[str] = field(default_factory=lambda: deque(maxlen=_MOST_TOLD))
    """The statuses that the job has changed to, in order."""
    anew: bool = False
    """Something may have been missed: the row is to be read."""
    _stirred: asyncio.Event = field(default_factory=asyncio.Event)

    def stir(self) -> None:
        """Have the one who waits look what there is."""
        self._stirred.set()

    async def wait(self, until: float) -> bool:
        """Wait to be stirred, but not beyond this time of the event loop; tells whether it was."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._stirred.wait()
        stirred = self._stirred.is_set()
        self._stirred.clear()
        return stirred


@dataclass
class Changes:
    """Those who watch jobs in this process, by the job's id, and the connection that listens for them."""

    connect: Callable[[], Awaitable[Any]]
    dismissed: bool = False
    """The process stops: nobody waits any more."""
    watches: dict[int, set[Watch]] = field(default_factory=dict)
    """Those who watch, by the id of the job."""
    _listening: asyncio.Event = field(default_factory=asyncio.Event)
    _keeper: "asyncio.Task[None] | None" = None

    @contextmanager
    def watching(self, job_id: int) -> Iterator[Watch]:
        """Be told of a job's changes for as long as the block lasts."""
        watch = Watch()
        self.watches.setdefault(job_id, set()).add(watch)
        if self._keeper is None or self._keeper.done():
            self._keeper = asyncio.create_task(self._keep())
        try:
            yield watch
        finally:
            others = self.watches[job_id]
            others.discard(watch)
            if not others:
                del self.watches[job_id]

    async def listening(self, patience: float) -> None:
        """Wait until the connection listens, but no longer than ``patience`` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._listening.wait()

    def dismiss(self) -> None:
        """Send everybody home, and let nobody wait from now on."""
        self.dismissed = True
        self._stir_all()

    async def close(self) -> None:
        """Close the connection."""
        self.dismiss()
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)

    async def _keep(self) -> None:
        """Listen for as long as somebody watches, and a while longer; connect again after a loss."""
        pause = _FIRST_PAUSE
        while self.watches:
            try:
                await self._listen()
                pause = _FIRST_PAUSE
            except Exception as error:  # noqa: BLE001 - whatever it is, those who watch must hear again
                _log.warning("changes_lost", error=repr(error), again_in=pause)
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _listen(self) -> None:
        lost = asyncio.Event()
        connection = await self.connect()
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(CHANNEL, self._tell)
            self._listening.set()
            for watches in self.watches.values():
                for watch in watches:
                    watch.anew = True
            self._stir_all()
            await self._until_needless(lost)
        finally:
            self._listening.clear()
            connection.terminate()
        if lost.is_set():
            raise ConnectionResetError("the database has closed the connection")

    async def _until_needless(self, lost: asyncio.Event) -> None:
        """Wait for the loss of the connection, or until nobody has watched for a while."""
        while not lost.is_set():
            unwatched = not self.watches
            with suppress(TimeoutError):
                async with asyncio.timeout(LINGER):
                    await lost.wait()
            if unwatched and not self.watches:
                return

    def _tell(self, _connection: Any, _pid: int, _channel: str, payload: str) -> None:
        """Tell those who watch a job; most are watched by nobody, and cost no more than a look into a dictionary."""
        job_id, _, status = payload.partition(" ")
        for watch in self.watches.get(int(job_id), ()):
            watch.told.append(status)
            watch.stir()

    def _stir_all(self) -> None:
        for watches in self.watches.values():
            for watch in watches:
                watch.stir()
