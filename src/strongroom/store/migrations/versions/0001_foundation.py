"""The foundation: users, sessions, contents, documents, file staging, jobs and the message queue."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql
from sqlalchemy.util import await_only

from strongroom.store import queue

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "blob_tombstones",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("deleted_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_blob_tombstones")),
    )
    op.create_table(
        "blobs",
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("md5", sa.LargeBinary(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_blobs")),
    )
    op.create_table(
        "contents",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("md5", sa.LargeBinary(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contents")),
    )
    op.create_table(
        "document_fields",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("editable", sa.Boolean(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("repeating", sa.Boolean(), nullable=False),
        sa.Column("values", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document_fields")),
    )
    op.create_table(
        "document_lifecycles",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("states", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document_lifecycles")),
    )
    op.create_table(
        "document_types",
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(collation="C"), nullable=True),
        sa.Column("lifecycles", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("renditions", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent"], ["document_types.name"], name=op.f("fk_document_types_parent"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_document_types")),
    )
    op.create_table(
        "documents",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("external_id", sa.Text(collation="C"), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latest_major", sa.Integer(), nullable=False),
        sa.Column("latest_minor", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("external_id", name=op.f("uq_documents_external_id")),
    )
    op.create_table(
        "job_polls",
        sa.Column("job_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("opened", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_job_polls")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=True),
        sa.Column("input", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_by", sa.Integer(), nullable=False),
        sa.Column("modified_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_end_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "links",
            postgresql.JSONB(none_as_null=True),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column(
            "result",
            postgresql.JSONB(none_as_null=True),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("scheduled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("sdk", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("total_tasks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("open_tasks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed_tasks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("queued_tasks", sa.Integer(), server_default="0", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("touched", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    op.create_index(
        "ix_jobs_active",
        "jobs",
        ["created_date", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('SCHEDULED', 'QUEUEING', 'QUEUED', 'RUNNING')"),
    )
    op.create_index(
        "ix_jobs_run_end_date_id",
        "jobs",
        [sa.literal_column("run_end_date DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_jobs_status_run_end_date_id",
        "jobs",
        ["status", sa.literal_column("run_end_date DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_table(
        "login_failures",
        sa.Column("user_name", sa.Text(), nullable=False),
        sa.Column("failed_date", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index(
        "ix_login_failures_user_name_failed_date", "login_failures", ["user_name", "failed_date"], unique=False
    )
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=False, start=10001), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("locale", sa.Text(), server_default="en_US", nullable=False),
        sa.Column("language", sa.Text(), server_default="en", nullable=False),
        sa.Column("security_profile", sa.Text(), server_default="document_user__v", nullable=False),
        sa.Column("license_type", sa.Text(), server_default="full__v", nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Integer(), server_default="1", nullable=False),
        sa.Column("modified_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("modified_by", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_login", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_name", "users", [sa.literal_column("lower(name)")], unique=True)
    op.create_table(
        "vaults",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vaults")),
    )
    op.create_table(
        "content_blobs",
        sa.Column("content_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("blob_key", sa.Text(collation="C"), nullable=False),
        sa.ForeignKeyConstraint(
            ["blob_key"], ["blobs.key"], name=op.f("fk_content_blobs_blob_key"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name=op.f("fk_content_blobs_content_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("content_id", "position", name=op.f("pk_content_blobs")),
    )
    op.create_index(op.f("ix_content_blobs_blob_key"), "content_blobs", ["blob_key"], unique=False)
    op.create_table(
        "document_versions",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("type", sa.Text(collation="C"), nullable=False),
        sa.Column("subtype", sa.Text(collation="C"), nullable=True),
        sa.Column("classification", sa.Text(collation="C"), nullable=True),
        sa.Column("lifecycle", sa.Text(collation="C"), nullable=False),
        sa.Column("state", sa.Text(collation="C"), nullable=False),
        sa.Column("content_id", sa.BigInteger(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column("format", sa.Text(), nullable=True),
        sa.Column("fields", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_by", sa.Integer(), nullable=False),
        sa.Column("modified_date", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name=op.f("fk_document_versions_content_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["documents.id"], name=op.f("fk_document_versions_document_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("document_id", "major", "minor", name=op.f("pk_document_versions")),
    )
    op.create_index(op.f("ix_document_versions_content_id"), "document_versions", ["content_id"], unique=False)
    op.create_index("ix_document_versions_name", "document_versions", ["name"], unique=False)
    op.create_table(
        "job_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("task", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_log_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_log")),
    )
    op.create_index("ix_job_log_job_id_id", "job_log", ["job_id", "id"], unique=False)
    op.create_table(
        "job_tasks",
        sa.Column("job_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), server_default="QUEUED", nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("output", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("touched", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_tasks_job_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "number", name=op.f("pk_job_tasks")),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_date", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "staging_items",
        sa.Column("path", sa.Text(collation="C"), nullable=False),
        sa.Column("parent", sa.Text(collation="C"), nullable=False),
        sa.Column("name", sa.Text(collation="C"), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("content_id", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("modified_date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("modified_by", sa.Integer(), nullable=False),
        sa.Column("expires_date", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name=op.f("fk_staging_items_content_id"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("path", name=op.f("pk_staging_items")),
    )
    op.create_index(op.f("ix_staging_items_content_id"), "staging_items", ["content_id"], unique=False)
    op.create_index("ix_staging_items_expires_date", "staging_items", ["expires_date"], unique=False)
    op.create_index("ix_staging_items_parent_name", "staging_items", ["parent", "name"], unique=False)
    op.create_table(
        "renditions",
        sa.Column("document_id", sa.Integer(), nullable=False),
        sa.Column("major", sa.Integer(), nullable=False),
        sa.Column("minor", sa.Integer(), nullable=False),
        sa.Column("rendition_type", sa.Text(collation="C"), nullable=False),
        sa.Column("content_id", sa.BigInteger(), nullable=False),
        sa.Column("filename", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("protected", sa.Boolean(), server_default="false", nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["contents.id"], name=op.f("fk_renditions_content_id"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["document_id", "major", "minor"],
            ["document_versions.document_id", "document_versions.major", "document_versions.minor"],
            name=op.f("fk_renditions_document_id_major_minor"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("document_id", "major", "minor", "rendition_type", name=op.f("pk_renditions")),
    )
    op.create_index(op.f("ix_renditions_content_id"), "renditions", ["content_id"], unique=False)

    # Many statements in one text: only the driver itself takes that.
    await_only(op.get_bind().connection.driver_connection.execute(queue.schema()))  # type: ignore[union-attr]
