"""What a worker has to do beside its messages: in one look, and when to look again. The clock is the Vault's."""

from strongroom.store import outlook as rows
from strongroom.store.outlook import Outlook
from strongroom.vault import Vault


async def look(vault: Vault) -> Outlook:
    """Look what there is to do now."""
    now = vault.clock.now()
    async with vault.database.reading() as connection:
        return await rows.look(connection, now)


def seconds_to_next(vault: Vault, outlook: Outlook) -> float | None:
    """How long it is until the next job is planned to start; None if none is."""
    if outlook.following is None:
        return None
    return max(0.0, (outlook.following - vault.clock.now()).total_seconds())
