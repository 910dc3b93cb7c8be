"""A sender of webhooks' deliveries, with the lookout that a worker has for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from strongroom.engine import deliveries
from strongroom.engine.lookout import Lookout
from strongroom.vault import Vault


@asynccontextmanager
async def delivering(vault: Vault, **how: Any) -> AsyncIterator[None]:
    """Send what is due for as long as the block lasts; ``how``: as ``deliveries.run`` has it."""
    stop, lookout = asyncio.Event(), Lookout()
    async with asyncio.TaskGroup() as group:
        group.create_task(lookout.run(vault, stop))
        group.create_task(deliveries.run(vault, lookout, **how))
        try:
            yield
        finally:
            stop.set()
