"""How many calls the Vault has had in the present window: each web process counts, and they add up in the database."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from strongroom.api.headers import Burst
from strongroom.services import call_counts
from strongroom.vault import Vault

WINDOW = 300.0
_SUBJECT = b"every call"
_EVERY = 0.25  # seconds: at most this old is what one process knows of the others
_PATIENCE = 1.0  # seconds that a call waits for the database because of its count

_log = structlog.get_logger(__name__)


@dataclass
class Bursts:
    """The calls of the present window, which begins with its first call.

    With ``shared`` the sum is a row. A write for each call would cost more than many a call: each process adds what it
    has counted every 250 ms, and learns the sum by that. The first call after a pause asks at once. ``untouched`` is
    what each call is told where none is counted.
    """

    limit: int
    counting: bool
    shared: bool
    window: float = WINDOW  # seconds
    ends: float = 0.0  # of time.monotonic()
    total: int = 0  # calls of the window that the row was known to have, those of this process among them
    leaving: int = 0  # on their way to the row
    here: int = 0  # not yet sent there
    asked: float = 0.0
    telling: asyncio.Task[None] | None = None
    untouched: Burst = field(init=False)

    def __post_init__(self) -> None:
        self.untouched = Burst(self.limit, self.limit)

    async def count(self, vault: Vault) -> Burst:
        """Count one call."""
        if not self.counting:
            return self.untouched
        now = time.monotonic()
        self._begin_if_over(now)
        self.here += 1
        if self.shared:
            await self._share(vault, now)
        used = self.total + self.leaving + self.here
        return Burst(self.limit, max(self.limit - used, 0), exceeded=used > self.limit)

    async def close(self) -> None:
        """Stop what runs in the background."""
        if self.telling:
            self.telling.cancel()
            with suppress(asyncio.CancelledError):
                await self.telling

    def _begin_if_over(self, now: float) -> None:
        """Begin a window if the last one is over; what was counted in that and has not been sent is of no use now."""
        if now >= self.ends:
            self.ends, self.total, self.here = now + self.window, 0, 0

    async def _share(self, vault: Vault, now: float) -> None:
        if self.telling:
            return
        if now - self.asked > _EVERY:
            await self._exchange(vault)
        else:
            self.telling = asyncio.create_task(self._tell(vault))

    async def _tell(self, vault: Vault) -> None:
        """Add what is counted every now and then, for as long as there is something to add."""
        try:
            while self.here:
                await asyncio.sleep(_EVERY)
                await self._exchange(vault)
        finally:
            self.telling = None

    async def _exchange(self, vault: Vault) -> None:
        """Add what was counted here to the row, and learn what the row has now."""
        self.asked = asked = time.monotonic()
        self._begin_if_over(asked)
        sent, self.here = self.here, 0
        if not sent:
            return
        self.leaving += sent
        try:
            async with asyncio.timeout(_PATIENCE):
                self.total, left = await call_counts.add(vault, _SUBJECT, sent, self.window)
            # From before the question on: so the window ends here no later than in the row, and no old call gets there.
            self.ends = asked + left
        except Exception as error:  # noqa: BLE001 - whatever it is, the call that is counted has been answered by then
            self.here += sent
            _log.warning("the calls could not be counted with those of other processes", reason=repr(error))
        finally:
            self.leaving -= sent
