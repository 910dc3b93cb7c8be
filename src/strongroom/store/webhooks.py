"""Rows of webhooks and of their deliveries, as users see them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update

from strongroom.domain.job import JobStatus
from strongroom.domain.page import Window
from strongroom.domain.webhook import Delivery, DeliveryState, NewWebhook, Webhook, parse
from strongroom.store.database import Connection
from strongroom.store.tables import webhook_deliveries, webhooks

_SHOWN = [column for column in webhooks.c if column.name not in {"secret", "target"}]
_WAITING = webhook_deliveries.c.state == DeliveryState.WAITING


async def hold(connection: Connection) -> None:
    """Have all others who register a webhook for all jobs wait until the transaction has ended."""
    await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("webhooks", 0))))


async def add(connection: Connection, new: NewWebhook, job_id: int | None, user: int, date: datetime) -> Webhook:
    """Insert a webhook of a job; None for all jobs."""
    values = {
        "url": new.url,
        "job_id": job_id,
        "target": parse(new.url).name,
        "secret": new.secret,
        "statuses": None if new.statuses is None else list(new.statuses),
        "created_by": user,
        "created_date": date,
    }
    added = await connection.execute(insert(webhooks).values(values).returning(*_SHOWN))
    return _webhook(added.mappings().one())


async def retrieve(connection: Connection, webhook_id: int) -> Webhook | None:
    """One webhook."""
    found = await connection.execute(select(*_SHOWN).where(webhooks.c.id == webhook_id))
    row = found.mappings().one_or_none()
    return None if row is None else _webhook(row)


async def page(connection: Connection, job_id: int | None, window: Window) -> tuple[list[Webhook], int]:
    """The webhooks of a job, or with None those of all jobs, oldest first; and how many there are."""
    where = webhooks.c.job_id.is_(None) if job_id is None else webhooks.c.job_id == job_id
    listed = select(*_SHOWN).where(where).order_by(webhooks.c.id).limit(window.limit).offset(window.offset)
    total = await connection.scalar(select(func.count()).select_from(webhooks).where(where))
    return [_webhook(row) for row in (await connection.execute(listed)).mappings()], total or 0


async def remove(connection: Connection, webhook_id: int) -> None:
    """Delete a webhook with its deliveries."""
    await connection.execute(delete(webhooks).where(webhooks.c.id == webhook_id))


async def enable(connection: Connection, webhook_id: int, *, active: bool) -> None:
    """Have a webhook told of changes from now on, or of none."""
    await connection.execute(update(webhooks).where(webhooks.c.id == webhook_id).values(active=active))


async def give_up(connection: Connection, webhook_id: int, reason: str) -> None:
    """Give up all that waits for a webhook."""
    await connection.execute(
        update(webhook_deliveries)
        .where(webhook_deliveries.c.webhook == webhook_id, _WAITING)
        .values(state=DeliveryState.GIVEN_UP, error=reason, ended=func.clock_timestamp())
    )


async def deliveries(connection: Connection, webhook_id: int, window: Window) -> tuple[list[Delivery], int]:
    """The deliveries of a webhook, newest first, and how many there are."""
    where = webhook_deliveries.c.webhook == webhook_id
    order = select(webhook_deliveries).where(where).order_by(webhook_deliveries.c.id.desc())
    total = await connection.scalar(select(func.count()).select_from(webhook_deliveries).where(where))
    found = await connection.execute(order.limit(window.limit).offset(window.offset))
    return [_delivery(row) for row in found.mappings()], total or 0


async def retrieve_delivery(connection: Connection, webhook_id: int, delivery_id: int) -> Delivery | None:
    """One delivery of a webhook."""
    found = await connection.execute(select(webhook_deliveries).where(*_is(webhook_id, delivery_id)))
    row = found.mappings().one_or_none()
    return None if row is None else _delivery(row)


async def wait_again(connection: Connection, webhook_id: int, delivery_id: int) -> bool:
    """Have an ended delivery wait again, due at once; False if it is waiting already."""
    result = await connection.execute(
        update(webhook_deliveries)
        .where(*_is(webhook_id, delivery_id), ~_WAITING)
        .values(state=DeliveryState.WAITING, due=func.clock_timestamp(), ended=None)
    )
    return result.rowcount > 0


def _is(webhook_id: int, delivery_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return webhook_deliveries.c.webhook == webhook_id, webhook_deliveries.c.id == delivery_id


def _webhook(row: Any) -> Webhook:
    statuses = row["statuses"]
    told = None if statuses is None else tuple(JobStatus(status) for status in statuses)
    return Webhook(**{**row, "statuses": told})


def _delivery(row: Any) -> Delivery:
    values = {name: row[name] for name in Delivery.__dataclass_fields__}
    return Delivery(**{**values, "status": JobStatus(row["status"]), "state": DeliveryState(row["state"])})
