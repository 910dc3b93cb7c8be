"""The scheduler: makes the next job of each definition, and begins what is due. Any number of workers may do this."""

import structlog

from strongroom.engine.lookout import Lookout
from strongroom.services import scheduled_jobs
from strongroom.store.outlook import Outlook
from strongroom.vault import Vault

_log = structlog.get_logger(__name__)


async def run(vault: Vault, lookout: Lookout) -> None:
    """Do what each look has found, until there is no other one."""
    while (outlook := await lookout.next()) is not None:
        try:
            await _act(vault, outlook)
        except Exception:  # noqa: BLE001 - whatever it was, a database that is away for one: the next look tries again
            _log.exception("scheduler_failed")


async def _act(vault: Vault, outlook: Outlook) -> None:
    if outlook.lacking:
        await scheduled_jobs.make_missing(vault)
    if outlook.due:
        await scheduled_jobs.begin_due(vault)
