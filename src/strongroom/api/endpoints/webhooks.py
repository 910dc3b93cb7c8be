"""Webhooks: for all jobs, or of one job; and what has been delivered to them. Strongroom extensions."""

from dataclasses import dataclass
from typing import Annotated, Any

import msgspec

from strongroom.api import paging
from strongroom.api.binding import Id, Limit, Offset
from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.domain.dates import written
from strongroom.domain.errors import InvalidData
from strongroom.domain.job import JobStatus
from strongroom.domain.page import Window
from strongroom.domain.webhook import Delivery, DeliveryState, NewWebhook, Webhook, new_secret
from strongroom.services import webhooks

DeliveryId = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True)
class WebhookToCreate:
    """What a webhook is made of: ``statuses`` are separated by commas, and all if absent."""

    url: str
    secret: str | None = None
    statuses: str | None = None

    def told(self) -> tuple[JobStatus, ...] | None:
        """Read the statuses; they may have any case."""
        names = [name.strip().upper() for name in (self.statuses or "").split(",") if name.strip()]
        for name in names:
            if name not in JobStatus.__members__:
                options = ", ".join(JobStatus)
                raise InvalidData(f"Invalid value [{name}] specified for parameter [statuses]: use some of {options}.")
        return tuple(JobStatus(name) for name in dict.fromkeys(names)) or None


@dataclass(frozen=True)
class Listed:
    """Which rows of a list are asked for."""

    limit: Limit = 50
    offset: Offset = 0

    @property
    def window(self) -> Window:
        """The same, as services take it."""
        return Window(self.limit, self.offset)


@dataclass(frozen=True)
class OneWebhook:
    """The webhook that is asked for."""

    webhook_id: Id


@dataclass(frozen=True)
class DeliveriesOfWebhook(Listed):
    """The webhook whose deliveries are asked for."""

    webhook_id: Id = 0


@dataclass(frozen=True)
class WebhooksOfJob(Listed):
    """The job whose webhooks are asked for."""

    job_id: Id = 0


@dataclass(frozen=True)
class OneDelivery(OneWebhook):
    """One delivery of a webhook."""

    delivery_id: DeliveryId


@endpoint("POST", "/services/webhooks", body=FORM, extension=True)
async def create_webhook(call: Call, asked: WebhookToCreate) -> dict[str, Any]:
    """Create Webhook: a Strongroom extension. The reply is the only one that shows the secret."""
    secret = asked.secret or new_secret()
    made = await webhooks.create(call.vault, NewWebhook(asked.url, secret, asked.told()))
    return {"data": {**_webhook(made), "secret": secret}}


@endpoint("GET", "/services/webhooks", extension=True)
async def retrieve_webhooks(call: Call, asked: Listed) -> dict[str, Any]:
    """Retrieve Webhooks: a Strongroom extension. Those for all jobs."""
    page = await webhooks.list_all(call.vault, asked.window)
    where = paging.by_offset(call, "/services/webhooks", page, {})
    return {**where, "webhooks": [_webhook(each) for each in page.rows]}


@endpoint("GET", "/services/jobs/{job_id}/webhooks", extension=True)
async def retrieve_webhooks_of_job(call: Call, asked: WebhooksOfJob) -> dict[str, Any]:
    """Retrieve Webhooks of Job: a Strongroom extension. Those that the starting call has asked for."""
    page = await webhooks.list_of_job(call.vault, asked.job_id, asked.window)
    where = paging.by_offset(call, f"/services/jobs/{asked.job_id}/webhooks", page, {})
    return {**where, "webhooks": [_webhook(each) for each in page.rows]}


@endpoint("GET", "/services/webhooks/{webhook_id}", extension=True)
async def retrieve_webhook(call: Call, asked: OneWebhook) -> dict[str, Any]:
    """Retrieve Webhook: a Strongroom extension."""
    return {"data": _webhook(await webhooks.retrieve(call.vault, asked.webhook_id))}


@endpoint("DELETE", "/services/webhooks/{webhook_id}", body=FORM, extension=True)
async def delete_webhook(call: Call, asked: OneWebhook) -> dict[str, Any]:
    """Delete Webhook: a Strongroom extension. Its deliveries go with it, those that wait, too."""
    await webhooks.delete(call.vault, asked.webhook_id)
    return {"data": {"id": asked.webhook_id}}


@endpoint("POST", "/services/webhooks/{webhook_id}/actions/enable", body=FORM, extension=True)
async def enable_webhook(call: Call, asked: OneWebhook) -> dict[str, Any]:
    """Enable Webhook: a Strongroom extension. It is told of what happens from now on."""
    await webhooks.enable(call.vault, asked.webhook_id)
    return {"data": {"id": asked.webhook_id, "active": True}}


@endpoint("POST", "/services/webhooks/{webhook_id}/actions/disable", body=FORM, extension=True)
async def disable_webhook(call: Call, asked: OneWebhook) -> dict[str, Any]:
    """Disable Webhook: a Strongroom extension. What waits for it is given up."""
    await webhooks.disable(call.vault, asked.webhook_id)
    return {"data": {"id": asked.webhook_id, "active": False}}


@endpoint("GET", "/services/webhooks/{webhook_id}/deliveries", extension=True)
async def retrieve_webhook_deliveries(call: Call, asked: DeliveriesOfWebhook) -> dict[str, Any]:
    """Retrieve Webhook Deliveries: a Strongroom extension. The newest first."""
    page = await webhooks.deliveries(call.vault, asked.webhook_id, asked.window)
    where = paging.by_offset(call, f"/services/webhooks/{asked.webhook_id}/deliveries", page, {})
    return {**where, "deliveries": [_delivery(each) for each in page.rows]}


@endpoint(
    "POST", "/services/webhooks/{webhook_id}/deliveries/{delivery_id}/actions/redeliver", body=FORM, extension=True
)
async def redeliver(call: Call, asked: OneDelivery) -> dict[str, Any]:
    """Redeliver: a Strongroom extension. Sends what has been delivered, or given up, once more."""
    await webhooks.redeliver(call.vault, asked.webhook_id, asked.delivery_id)
    return {"data": {"id": asked.delivery_id, "state": DeliveryState.WAITING}}


def _webhook(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "job_id": webhook.job_id,
        "statuses": list(webhook.statuses or JobStatus),
        "active": webhook.active,
        "created_by": webhook.created_by,
        "created_date": written(webhook.created_date),
    }


def _delivery(delivery: Delivery) -> dict[str, Any]:
    waits = delivery.state is DeliveryState.WAITING
    return {
        "id": delivery.id,
        "job_id": delivery.job_id,
        "status": delivery.status,
        "occurred": written(delivery.occurred),
        "state": delivery.state,
        "attempts": delivery.attempts,
        "due": written(delivery.due) if waits else None,
        "answered": delivery.answered,
        "error": delivery.error,
        "ended": delivery.ended and written(delivery.ended),
    }
