"""How many jobs ended in each hour, kept by a trigger: a history of a million jobs is not counted for each page."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_COUNT = """
CREATE FUNCTION count_ended_job(ended timestamptz, ended_as text, change integer) RETURNS void LANGUAGE sql AS $$
    INSERT INTO job_hour_counts AS counted (hour, status, backend, jobs)
    VALUES (date_trunc('hour', ended, 'UTC'), ended_as, pg_backend_pid(), change)
    ON CONFLICT (hour, status, backend) DO UPDATE SET jobs = counted.jobs + excluded.jobs
$$
"""

_TRIGGER = """
CREATE FUNCTION count_ended_jobs() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.run_end_date IS NOT NULL THEN
        PERFORM count_ended_job(OLD.run_end_date, OLD.status, -1);
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.run_end_date IS NOT NULL THEN
        PERFORM count_ended_job(NEW.run_end_date, NEW.status, 1);
    END IF;
    RETURN NULL;
END
$$
"""

_FILL = """
INSERT INTO job_hour_counts (hour, status, backend, jobs)
SELECT date_trunc('hour', run_end_date, 'UTC'), status, 0, count(*) FROM jobs WHERE run_end_date IS NOT NULL GROUP BY 1, 2
"""


def upgrade() -> None:
    op.create_table(
        "job_hour_counts",
        sa.Column("hour", sa.DateTime(timezone=True), primary_key=True),
        sa.Column("status", sa.Text(collation="C"), primary_key=True),
        sa.Column("backend", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("jobs", sa.BigInteger(), nullable=False),
    )
    op.execute(_COUNT)
    op.execute(_TRIGGER)
    for name, event, when in (
        ("added", "INSERT", "NEW.run_end_date IS NOT NULL"),
        ("changed", "UPDATE OF run_end_date, status", "NEW.run_end_date IS NOT NULL OR OLD.run_end_date IS NOT NULL"),
        ("removed", "DELETE", "OLD.run_end_date IS NOT NULL"),
    ):
        op.execute(
            f"CREATE TRIGGER count_ended_{name} AFTER {event} ON jobs"
            f" FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION count_ended_jobs()"
        )
    op.execute(_FILL)
