"""How fast a call is answered: a limit that slows calls down does it here."""

import asyncio
from dataclasses import dataclass

DELAY = 500
"""By how many milliseconds a slowed call is delayed."""


@dataclass
class Pace:
    """Of one call: whether its reply is held back. However many limits ask for that, it is delayed once.

    ``delay`` is in milliseconds.
    """

    delay: int = 0

    def slow_down(self) -> None:
        """Hold the reply back."""
        self.delay = DELAY

    def header(self) -> tuple[bytes, bytes]:
        """Give the header that says how long a reply is held back."""
        return b"x-vaultapi-responsedelay", b"%d" % self.delay

    async def keep(self) -> None:
        """Wait as long as the reply is to be held back. Nothing else may be held meanwhile: no connection, no lock."""
        await asyncio.sleep(self.delay / 1000)
