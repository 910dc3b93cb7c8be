"""A delivery that comes behind another one of its job is due with it, so that who claims need not look at it before."""

from alembic import op

revision = "0008"
down_revision = "0007"

# As in 0007, but: what comes behind another one is due with it. That one is locked, so that who closes it waits for the
# move, sees what is behind, and has it go. Who closes it at this moment would not; then what is behind is due at once,
# and a move never waits for a delivery. (There may be deliveries of before: the claim finds what is behind by itself.)
_DELIVER = """
        WITH told AS MATERIALIZED (
            SELECT id, target FROM webhooks
            WHERE {whose} AND active AND (statuses IS NULL OR statuses ? NEW.status)
            ORDER BY id
            FOR KEY SHARE
        )
        INSERT INTO webhook_deliveries (webhook, target, job_id, status, occurred, due)
        SELECT told.id, told.target, NEW.id, NEW.status, clock_timestamp(), coalesce(earlier.due, now())
        FROM told LEFT JOIN LATERAL (
            SELECT due FROM webhook_deliveries
            WHERE job_id = NEW.id AND webhook = told.id AND state = 'WAITING'
            ORDER BY id LIMIT 1
            FOR SHARE SKIP LOCKED
        ) AS earlier ON true
        ORDER BY told.id;
"""
# Two statements, since with OR between them the plan that is made while there are few webhooks reads all of them.
_TELL = f"""
CREATE OR REPLACE FUNCTION tell_job_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('job_status', NEW.id || ' ' || NEW.status);
    IF NOT EXISTS (SELECT FROM webhooks) THEN RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' THEN {_DELIVER.format(whose="webhooks.job_id = NEW.id")}
    END IF;
    IF NEW.visible THEN {_DELIVER.format(whose="webhooks.job_id IS NULL")}
    END IF;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    """Replace the function of the triggers."""
    op.execute(_TELL)
