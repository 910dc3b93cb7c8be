"""The Vault itself, its users, their sessions and failed logins."""

from sqlalchemy import Boolean, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, Text, func

from strongroom.store.tables.metadata import Moment, metadata

vaults = Table(
    "vaults",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Column("created_date", Moment, nullable=False, server_default=func.now()),
    # Raised by whatever rewrites history (seed, reset, prune), so that no process trusts an old cached row.
    Column("epoch", Integer, nullable=False, server_default="0"),
    # When the blob store was last searched for bytes that no row names.
    Column("searched_date", Moment),
)

users = Table(
    "users",
    metadata,
    Column("id", Integer, Identity(start=10001), primary_key=True),
    Column("name", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("timezone", Text, nullable=False, server_default="UTC"),
    Column("locale", Text, nullable=False, server_default="en_US"),
    Column("language", Text, nullable=False, server_default="en"),
    Column("security_profile", Text, nullable=False, server_default="document_user__v"),
    Column("license_type", Text, nullable=False, server_default="full__v"),
    Column("active", Boolean, nullable=False, server_default="true"),
    Column("password_hash", Text),
    Column("created_date", Moment, nullable=False, server_default=func.now()),
    Column("created_by", Integer, nullable=False, server_default="1"),
    Column("modified_date", Moment, nullable=False, server_default=func.now()),
    Column("modified_by", Integer, nullable=False, server_default="1"),
    Column("last_login", Moment),
)
# User names are compared without case.
Index("uq_users_name", func.lower(users.c.name), unique=True)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", LargeBinary, primary_key=True),
    Column("user_id", Integer, ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False, index=True),
    Column("created_date", Moment, nullable=False),
    Column("last_used_date", Moment, nullable=False),
)

login_failures = Table(
    "login_failures",
    metadata,
    Column("user_name", Text, nullable=False),
    Column("failed_date", Moment, nullable=False),
)
Index("ix_login_failures_user_name_failed_date", login_failures.c.user_name, login_failures.c.failed_date)
