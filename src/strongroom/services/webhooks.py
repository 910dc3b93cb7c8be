"""Webhooks as users see them: registered, listed, enabled and disabled, deleted; their deliveries, sent again."""

from strongroom.domain.errors import InsufficientAccess, InvalidData, OperationNotAllowed
from strongroom.domain.page import Page, Window
from strongroom.domain.webhook import Delivery, NewWebhook, Webhook
from strongroom.services import jobs, webhook_targets
from strongroom.store import webhooks as rows
from strongroom.vault import Vault

MOST = 20
"""How many webhooks a Vault may have for all jobs: each change of a status writes a row for each of them."""


async def create(vault: Vault, new: NewWebhook) -> Webhook:
    """Register a webhook for all jobs; it is told of every change from now on."""
    _require_admin(vault)
    await webhook_targets.check(vault.settings, new, vault.names.addresses)
    async with vault.database.transaction() as connection:
        await rows.hold(connection)
        _, total = await rows.page(connection, None, Window(1))
        if total >= MOST:
            raise OperationNotAllowed(f"There are {total} webhooks already, and {MOST} are the most: delete one first.")
        return await rows.add(connection, new, None, vault.user.id, vault.clock.now())


async def list_all(vault: Vault, window: Window) -> Page[Webhook]:
    """The webhooks for all jobs."""
    _require_admin(vault)
    return await _page(vault, None, window)


async def list_of_job(vault: Vault, job_id: int, window: Window) -> Page[Webhook]:
    """The webhooks of one job."""
    await jobs.retrieve(vault, job_id)
    return await _page(vault, job_id, window)


async def retrieve(vault: Vault, webhook_id: int) -> Webhook:
    """One webhook: that of a job for all who may see the job, those for all jobs for admins."""
    async with vault.database.reading() as connection:
        found = await rows.retrieve(connection, webhook_id)
    if found is None:
        raise InvalidData(f"There is no webhook [{webhook_id}].")
    if found.job_id is None:
        _require_admin(vault)
    else:
        await jobs.retrieve(vault, found.job_id)
    return found


async def delete(vault: Vault, webhook_id: int) -> None:
    """Delete a webhook, with what waits for it."""
    await retrieve(vault, webhook_id)
    async with vault.database.transaction() as connection:
        await rows.remove(connection, webhook_id)


async def enable(vault: Vault, webhook_id: int) -> None:
    """Have a webhook told of the changes from now on."""
    await retrieve(vault, webhook_id)
    async with vault.database.transaction() as connection:
        await rows.enable(connection, webhook_id, active=True)


async def disable(vault: Vault, webhook_id: int) -> None:
    """Have a webhook told of nothing more; what waits for it is given up."""
    await retrieve(vault, webhook_id)
    async with vault.database.transaction() as connection:
        await rows.enable(connection, webhook_id, active=False)
        await rows.give_up(connection, webhook_id, "the webhook was disabled")


async def deliveries(vault: Vault, webhook_id: int, window: Window) -> Page[Delivery]:
    """The deliveries of a webhook, newest first."""
    await retrieve(vault, webhook_id)
    async with vault.database.reading() as connection:
        found, total = await rows.deliveries(connection, webhook_id, window)
    return Page(found, total, window)


async def redeliver(vault: Vault, webhook_id: int, delivery_id: int) -> None:
    """Have a delivery that has ended, well or not, sent again under the same id."""
    webhook = await retrieve(vault, webhook_id)
    if not webhook.active:
        raise OperationNotAllowed(f"Webhook [{webhook_id}] is disabled: enable it first.")
    async with vault.database.transaction() as connection:
        if await rows.retrieve_delivery(connection, webhook_id, delivery_id) is None:
            raise InvalidData(f"There is no delivery [{delivery_id}] of webhook [{webhook_id}].")
        if not await rows.wait_again(connection, webhook_id, delivery_id):
            raise OperationNotAllowed(f"Delivery [{delivery_id}] is still WAITING: it will be tried by itself.")


async def _page(vault: Vault, job_id: int | None, window: Window) -> Page[Webhook]:
    async with vault.database.reading() as connection:
        found, total = await rows.page(connection, job_id, window)
    return Page(found, total, window)


def _require_admin(vault: Vault) -> None:
    if not vault.user.is_admin:
        raise InsufficientAccess(f"User [{vault.user.id}] may not see or change the webhooks for all jobs.")
