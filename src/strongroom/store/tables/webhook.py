"""Who is told of the moves of jobs, and what has been told: a trigger of the table of jobs writes the deliveries."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, Integer, Table, Text, func

from strongroom.store.tables.job import jobs
from strongroom.store.tables.metadata import Json, Moment, metadata

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("url", Text, nullable=False),
    # Host and port of the URL: those that are slow together.
    Column("target", Text(collation="C"), nullable=False),
    Column("secret", Text, nullable=False),
    # None: all jobs.
    Column("job_id", Integer, ForeignKey(jobs.c.id, ondelete="CASCADE"), index=True),
    # A list of statuses; None: all.
    Column("statuses", Json),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("created_by", Integer, nullable=False),
    Column("created_date", Moment, nullable=False),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("webhook", Integer, ForeignKey(webhooks.c.id, ondelete="CASCADE"), nullable=False),
    Column("target", Text(collation="C"), nullable=False),
    Column("job_id", Integer, ForeignKey(jobs.c.id, ondelete="CASCADE"), nullable=False),
    Column("status", Text, nullable=False),
    Column("occurred", Moment, nullable=False),
    # WAITING, DELIVERED or GIVEN_UP
    Column("state", Text, nullable=False, server_default="WAITING"),
    Column("attempts", Integer, nullable=False, server_default="0"),
    # The database's clock: when it is tried next.
    Column("due", Moment, nullable=False, server_default=func.now()),
    # The HTTP status of the last answer, and what went wrong otherwise.
    Column("answered", Integer),
    Column("error", Text),
    Column("ended", Moment),
)
Index("ix_webhook_deliveries_webhook_id", webhook_deliveries.c.webhook, webhook_deliveries.c.id)
Index("ix_webhook_deliveries_job_id_id", webhook_deliveries.c.job_id, webhook_deliveries.c.id)
Index(
    "ix_webhook_deliveries_waiting",
    webhook_deliveries.c.target,
    webhook_deliveries.c.due,
    webhook_deliveries.c.id,
    postgresql_where=webhook_deliveries.c.state == "WAITING",
)
Index(
    "ix_webhook_deliveries_ended",
    webhook_deliveries.c.ended,
    postgresql_where=webhook_deliveries.c.ended.is_not(None),
)
