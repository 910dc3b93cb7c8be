"""Definitions of scheduled jobs; and what workers have told of custom jobs, and the queues of those."""

from sqlalchemy import Boolean, Column, ForeignKey, Identity, Integer, Table, Text

from strongroom.store.tables.metadata import Json, Moment, Ordered, metadata

# An active one always has exactly one job of the status SCHEDULED.
job_definitions = Table(
    "job_definitions",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("name", Ordered, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parameters", Json, nullable=False),
    Column("schedule", Json, nullable=False),
    # None: that of the Vault.
    Column("timezone", Text),
    Column("active", Boolean, nullable=False),
    # One that every Vault has.
    Column("system", Boolean, nullable=False, server_default="false"),
    Column("owner", Integer, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
    Column("created_by", Integer, nullable=False),
    Column("created_date", Moment, nullable=False),
    Column("modified_by", Integer, nullable=False),
    Column("modified_date", Moment, nullable=False),
)

job_queues = Table(
    "job_queues",
    metadata,
    Column("name", Ordered, primary_key=True),
    Column("delivery", Boolean, nullable=False, server_default="true"),
    Column("created_date", Moment, nullable=False),
)

# Written by workers, which load the code; read by all who only need to know that it is there.
job_metadata = Table(
    "job_metadata",
    metadata,
    Column("name", Ordered, primary_key=True),
    Column("label", Text, nullable=False),
    Column("description", Text),
    Column("job_code", Text, nullable=False),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("chunk_size", Integer, nullable=False),
    Column("queue", Ordered, ForeignKey(job_queues.c.name)),
    Column("single_instance_states", Json, nullable=False),
    # Minutes; None: as long as jobs of its sort may take.
    Column("timeout_duration", Integer),
    Column("admin_configurable", Boolean, nullable=False),
    Column("idempotent", Boolean, nullable=False),
    Column("is_visible", Boolean, nullable=False),
    Column("admin_cancellable", Boolean, nullable=False),
    # The file, or the entry point, that it came from, and its bytes' hash.
    Column("source", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    # Why it cannot be used, if so.
    Column("error", Text),
    Column("registered", Moment, nullable=False),
)
