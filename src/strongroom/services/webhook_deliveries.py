"""Deliveries of webhooks as who sends them sees them: claimed, and closed with what came of the try."""

from collections.abc import Mapping
from datetime import timedelta

from strongroom.domain.webhook import PATIENCE, Claimed, DeliveryState, Outcome, delay
from strongroom.store import webhook_claims as rows
from strongroom.vault import Vault

LEASE = 30.0
"""After so many seconds a delivery whose sender has died is sent by another one."""

KEPT = timedelta(days=7)
"""For how long ended deliveries are listed."""


async def claim(vault: Vault, sending: Mapping[str, int], each: int, most: int) -> list[Claimed]:
    """Take deliveries to be sent now, at most ``most``, and ``each`` to one target with what is ``sending`` to it."""
    return await vault.database.write_at_once(rows.claim, rows.Free(sending, each, most, LEASE))


async def close(vault: Vault, claimed: Claimed, outcome: Outcome) -> DeliveryState | None:
    """Write what came of a try: delivered, to be tried again after a while, or given up."""
    async with vault.database.transaction() as connection:
        return await rows.close(connection, claimed, outcome, delay(claimed.attempt), PATIENCE)


async def give_back(vault: Vault, claimed: Claimed) -> None:
    """Let somebody else send it, at once."""
    async with vault.database.transaction() as connection:
        await rows.give_back(connection, claimed)


async def tidy(vault: Vault) -> None:
    """Delete deliveries that ended long ago."""
    async with vault.database.transaction() as connection:
        await rows.prune(connection, KEPT)
