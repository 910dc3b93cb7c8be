"""Queues of custom jobs: all, one, delivery, reset; and, beyond Vault's own calls, made and deleted."""

from dataclasses import dataclass
from typing import Any

from strongroom.api.call import Call
from strongroom.api.declaration import FORM, endpoint
from strongroom.domain.job_queue import JobQueue
from strongroom.services import queues

_TYPE = "sdk_job"


@dataclass(frozen=True)
class OneQueue:
    """The queue that is asked for."""

    queue_name: str


@dataclass(frozen=True)
class NewQueue:
    """The queue that is to be made."""

    name: str


@endpoint("GET", "/services/queues")
async def retrieve_all_queues(call: Call) -> dict[str, Any]:
    """Retrieve All Queues."""
    return {"data": [_listed(call, queue) for queue in await queues.list_queues(call.vault)]}


@endpoint("GET", "/services/queues/{queue_name}")
async def retrieve_queue_status(call: Call, asked: OneQueue) -> dict[str, Any]:
    """Retrieve Queue Status."""
    queue = await queues.retrieve(call.vault, asked.queue_name)
    shown = _listed(call, queue)
    shown |= {"delivery": "enabled" if queue.delivery else "disabled", "messages_in_queue": queue.messages}
    # The sample of the reference has a list, and one queue in it.
    return {"data": [shown]}


@endpoint("PUT", "/services/queues/{queue_name}/actions/disable_delivery", body=FORM)
async def disable_delivery(call: Call, asked: OneQueue) -> dict[str, Any]:
    """Disable Delivery."""
    await queues.disable_delivery(call.vault, asked.queue_name)
    return {}


@endpoint("PUT", "/services/queues/{queue_name}/actions/enable_delivery", body=FORM)
async def enable_delivery(call: Call, asked: OneQueue) -> dict[str, Any]:
    """Enable Delivery."""
    await queues.enable_delivery(call.vault, asked.queue_name)
    return {}


@endpoint("PUT", "/services/queues/{queue_name}/actions/reset", body=FORM)
async def reset_queue(call: Call, asked: OneQueue) -> dict[str, Any]:
    """Reset Queue."""
    await queues.reset(call.vault, asked.queue_name)
    return {"responseMessage": "Deleted messages in queue."}


@endpoint("POST", "/services/queues", body=FORM, extension=True)
async def create_queue(call: Call, asked: NewQueue) -> dict[str, Any]:
    """Create Queue: a Strongroom extension."""
    return {"data": _listed(call, await queues.create(call.vault, asked.name))}


@endpoint("DELETE", "/services/queues/{queue_name}", body=FORM, extension=True)
async def delete_queue(call: Call, asked: OneQueue) -> dict[str, Any]:
    """Delete Queue: a Strongroom extension."""
    await queues.delete(call.vault, asked.queue_name)
    return {"responseMessage": "Deleted queue."}


def _listed(call: Call, queue: JobQueue) -> dict[str, Any]:
    url = call.url(f"/services/queues/{queue.name}")
    return {"name": queue.name, "status": "active", "type": _TYPE, "url": url}
