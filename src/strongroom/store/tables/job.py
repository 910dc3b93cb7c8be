"""Jobs, their tasks, their log, and the last accepted status poll of each."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    func,
    text,
)

from strongroom.store.tables.job_definition import job_definitions
from strongroom.store.tables.metadata import Json, Moment, metadata

jobs = Table(
    "jobs",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("method", Text),
    Column("input", Json, nullable=False),
    Column("created_by", Integer, nullable=False),
    Column("created_date", Moment, nullable=False),
    Column("modified_by", Integer, nullable=False),
    Column("modified_date", Moment, nullable=False),
    Column("run_start_date", Moment),
    Column("run_end_date", Moment),
    Column("links", Json, nullable=False, server_default=text("'[]'::jsonb")),
    Column("result", Json, nullable=False, server_default=text("'{}'::jsonb")),
    Column("scheduled", Boolean, nullable=False, server_default="false"),
    Column("sdk", Boolean, nullable=False, server_default="false"),
    Column("total_tasks", Integer, nullable=False, server_default="0"),
    Column("open_tasks", Integer, nullable=False, server_default="0"),
    Column("failed_tasks", Integer, nullable=False, server_default="0"),
    # The last task whose message has been written; the rest follow one by one as tasks end.
    Column("queued_tasks", Integer, nullable=False, server_default="0"),
    # One that runs as a whole has no QUEUEING and no messages but one.
    Column("whole", Boolean, nullable=False, server_default="false"),
    # Which try at QUEUEING, or at the whole job, this is; a revived worker of an older try writes nothing.
    Column("attempt", Integer, nullable=False, server_default="0"),
    # The database's own clock: when something last happened, and when the sweep last looked.
    Column("touched", Moment, nullable=False, server_default=func.now()),
    Column("looked", Moment, nullable=False, server_default=func.now()),
    # The definition that it is an instance of, and which version of that.
    Column("definition", Integer, ForeignKey(job_definitions.c.id, ondelete="SET NULL")),
    Column("definition_version", Integer),
    # When it was planned to start; kept when it does.
    Column("schedule_date", Moment),
    # The queue of a custom job; None: the system's own, whose delivery is never disabled.
    Column("queue", Text),
    # The Vault's clock: what is still active then has run out of time.
    Column("deadline", Moment),
    Column("cancellable", Boolean, nullable=False, server_default="true"),
    # Whether a task that was begun and never ended may be begun again.
    Column("idempotent", Boolean, nullable=False, server_default="true"),
    # Whether it is listed.
    Column("visible", Boolean, nullable=False, server_default="true"),
    Column("code_sha256", Text),
)
Index("uq_jobs_definition", jobs.c.definition, unique=True, postgresql_where=jobs.c.status == "SCHEDULED")
Index("ix_jobs_scheduled", jobs.c.schedule_date, jobs.c.id, postgresql_where=jobs.c.status == "SCHEDULED")
Index("ix_jobs_definition_id", jobs.c.definition, jobs.c.id, postgresql_where=jobs.c.definition.is_not(None))
Index("ix_jobs_run_end_date_id", jobs.c.run_end_date.desc(), jobs.c.id.desc())
Index("ix_jobs_status_run_end_date_id", jobs.c.status, jobs.c.run_end_date.desc(), jobs.c.id.desc())
Index(
    "ix_jobs_active",
    jobs.c.created_date,
    jobs.c.id,
    postgresql_where=jobs.c.status.in_(["SCHEDULED", "QUEUEING", "QUEUED", "RUNNING"]),
)

job_tasks = Table(
    "job_tasks",
    metadata,
    Column("job_id", Integer, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", Text, nullable=False, server_default="QUEUED"),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("items", Json, nullable=False),
    Column("output", Json),
    Column("touched", Moment, nullable=False, server_default=func.now()),
)

job_log = Table(
    "job_log",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("job_id", Integer, ForeignKey(jobs.c.id, ondelete="CASCADE"), nullable=False),
    Column("task", Integer),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("time", Moment, nullable=False),
    Column("text", Text, nullable=False),
)
Index("ix_job_log_job_id_id", job_log.c.job_id, job_log.c.id)

# The 10-second rule with several web processes. Lost in a crash of PostgreSQL, which costs nobody anything.
job_polls = Table(
    "job_polls",
    metadata,
    Column("job_id", Integer, primary_key=True, autoincrement=False),
    Column("opened", Moment, nullable=False),
    prefixes=["UNLOGGED"],
)
