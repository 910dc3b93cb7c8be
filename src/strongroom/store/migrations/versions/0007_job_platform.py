"""Definitions of scheduled jobs, custom jobs, their queues, deadlines; and who is told of a change of status."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0007"
down_revision = "0006"

_MOMENT = sa.DateTime(timezone=True)
_ORDERED = sa.Text(collation="C")

# A job that is not visible is in no list, so it is not counted for one.
_COUNT_VISIBLE = """
CREATE OR REPLACE FUNCTION count_ended_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.visible AND OLD.run_end_date IS NOT NULL THEN
        PERFORM count_ended_job(OLD.run_end_date, OLD.status, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.visible AND NEW.run_end_date IS NOT NULL THEN
        PERFORM count_ended_job(NEW.run_end_date, NEW.status, 1);
    END IF;
    RETURN NULL;
END
$$
"""

# Every move is told, whichever statement makes it: who waits for one has it by this, and a webhook's delivery is
# written in the transaction of the move. A webhook is locked first: one that is deleted just now would be found, and
# then be missing for the foreign key, so that the move failed.
_DELIVER = """
        INSERT INTO webhook_deliveries (webhook, target, job_id, status, occurred)
        SELECT webhooks.id, webhooks.target, NEW.id, NEW.status, clock_timestamp() FROM webhooks
        WHERE {whose} AND webhooks.active AND (webhooks.statuses IS NULL OR webhooks.statuses ? NEW.status)
        ORDER BY webhooks.id
        FOR KEY SHARE;
"""
# Two statements, since with OR between them the plan that is made while there are few webhooks reads all of them.
_TELL = f"""
CREATE FUNCTION tell_job_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('job_status', NEW.id || ' ' || NEW.status);
    IF TG_OP = 'UPDATE' THEN {_DELIVER.format(whose="webhooks.job_id = NEW.id")}
    END IF;
    IF NEW.visible THEN {_DELIVER.format(whose="webhooks.job_id IS NULL")}
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    """Make the tables and triggers."""
    _definitions()
    _custom_jobs()
    _webhooks()
    for column in (
        sa.Column("definition", sa.Integer(), sa.ForeignKey("job_definitions.id", ondelete="SET NULL")),
        sa.Column("definition_version", sa.Integer()),
        sa.Column("schedule_date", _MOMENT),
        sa.Column("queue", sa.Text()),
        sa.Column("deadline", _MOMENT),
        sa.Column("cancellable", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("idempotent", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("visible", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("code_sha256", sa.Text()),
        sa.Column("looked", _MOMENT, nullable=False, server_default=sa.func.now()),
    ):
        op.add_column("jobs", column)
    op.create_index(
        "uq_jobs_definition", "jobs", ["definition"], unique=True, postgresql_where=sa.text("status = 'SCHEDULED'")
    )
    op.create_index(
        "ix_jobs_scheduled", "jobs", ["schedule_date", "id"], postgresql_where=sa.text("status = 'SCHEDULED'")
    )
    op.create_index(
        "ix_jobs_definition_id", "jobs", ["definition", "id"], postgresql_where=sa.text("definition IS NOT NULL")
    )
    op.execute(_COUNT_VISIBLE)
    op.execute(_TELL)
    op.execute("CREATE TRIGGER tell_job_added AFTER INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION tell_job_status()")
    op.execute(
        "CREATE TRIGGER tell_job_moved AFTER UPDATE OF status ON jobs"
        " FOR EACH ROW WHEN (OLD.status <> NEW.status) EXECUTE FUNCTION tell_job_status()"
    )


def _definitions() -> None:
    op.create_table(
        "job_definitions",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("name", _ORDERED, nullable=False, unique=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("parameters", JSONB(none_as_null=True), nullable=False),
        sa.Column("schedule", JSONB(none_as_null=True), nullable=False),
        sa.Column("timezone", sa.Text()),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("system", sa.Boolean(), nullable=False, server_default="false"),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_date", _MOMENT, nullable=False),
        sa.Column("modified_by", sa.Integer(), nullable=False),
        sa.Column("modified_date", _MOMENT, nullable=False),
    )


def _custom_jobs() -> None:
    op.create_table(
        "job_queues",
        sa.Column("name", _ORDERED, primary_key=True),
        sa.Column("delivery", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("created_date", _MOMENT, nullable=False),
    )
    op.create_table(
        "job_metadata",
        sa.Column("name", _ORDERED, primary_key=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("description", sa.Text()),
        sa.Column("job_code", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("chunk_size", sa.Integer(), nullable=False),
        sa.Column("queue", _ORDERED, sa.ForeignKey("job_queues.name")),
        sa.Column("single_instance_states", JSONB(none_as_null=True), nullable=False),
        sa.Column("timeout_duration", sa.Integer()),
        sa.Column("admin_configurable", sa.Boolean(), nullable=False),
        sa.Column("idempotent", sa.Boolean(), nullable=False),
        sa.Column("is_visible", sa.Boolean(), nullable=False),
        sa.Column("admin_cancellable", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("error", sa.Text()),
        sa.Column("registered", _MOMENT, nullable=False),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Integer(), sa.Identity(), primary_key=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("target", _ORDERED, nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), index=True),
        sa.Column("statuses", JSONB(none_as_null=True)),
        sa.Column("active", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_date", _MOMENT, nullable=False),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(), primary_key=True),
        sa.Column("webhook", sa.Integer(), sa.ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        sa.Column("target", _ORDERED, nullable=False),
        sa.Column("job_id", sa.Integer(), sa.ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("occurred", _MOMENT, nullable=False),
        sa.Column("state", sa.Text(), nullable=False, server_default="WAITING"),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("due", _MOMENT, nullable=False, server_default=sa.func.now()),
        sa.Column("answered", sa.Integer()),
        sa.Column("error", sa.Text()),
        sa.Column("ended", _MOMENT),
    )
    op.create_index("ix_webhook_deliveries_webhook_id", "webhook_deliveries", ["webhook", "id"])
    op.create_index("ix_webhook_deliveries_job_id_id", "webhook_deliveries", ["job_id", "id"])
    op.create_index(
        "ix_webhook_deliveries_waiting",
        "webhook_deliveries",
        ["target", "due", "id"],
        postgresql_where=sa.text("state = 'WAITING'"),
    )
    op.create_index(
        "ix_webhook_deliveries_ended", "webhook_deliveries", ["ended"], postgresql_where=sa.text("ended IS NOT NULL")
    )
