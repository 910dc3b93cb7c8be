"""Documents, their versions and renditions, and the types they have."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    Table,
    Text,
)

from strongroom.store.tables.metadata import Json, Moment, Ordered, metadata

# Types, subtypes and classifications are one tree: the parent of a classification is a subtype.
document_types = Table(
    "document_types",
    metadata,
    Column("name", Ordered, primary_key=True),
    Column("label", Text, nullable=False),
    Column("level", Text, nullable=False),
    Column("parent", Ordered, ForeignKey("document_types.name", ondelete="CASCADE")),
    Column("lifecycles", Json, nullable=False),
    Column("renditions", Json, nullable=False),
)

document_lifecycles = Table(
    "document_lifecycles",
    metadata,
    Column("name", Ordered, primary_key=True),
    Column("label", Text, nullable=False),
    Column("states", Json, nullable=False),
)

document_fields = Table(
    "document_fields",
    metadata,
    Column("name", Ordered, primary_key=True),
    Column("label", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("editable", Boolean, nullable=False),
    Column("required", Boolean, nullable=False),
    Column("repeating", Boolean, nullable=False),
    Column("values", Json),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Integer, Identity(), primary_key=True),
    Column("external_id", Ordered, unique=True),
    Column("created_by", Integer, nullable=False),
    Column("created_date", Moment, nullable=False),
    Column("latest_major", Integer, nullable=False),
    Column("latest_minor", Integer, nullable=False),
)

document_versions = Table(
    "document_versions",
    metadata,
    Column("document_id", Integer, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=True),
    Column("major", Integer, primary_key=True),
    Column("minor", Integer, primary_key=True),
    Column("serial", Integer, Identity(), nullable=False),
    Column("name", Ordered, nullable=False),
    Column("type", Ordered, nullable=False),
    Column("subtype", Ordered),
    Column("classification", Ordered),
    Column("lifecycle", Ordered, nullable=False),
    Column("state", Ordered, nullable=False),
    Column("content_id", BigInteger, ForeignKey("contents.id", ondelete="RESTRICT"), index=True),
    Column("filename", Text),
    Column("format", Text),
    Column("fields", Json, nullable=False),
    Column("created_by", Integer, nullable=False),
    Column("created_date", Moment, nullable=False),
    Column("modified_by", Integer, nullable=False),
    Column("modified_date", Moment, nullable=False),
)
Index("ix_document_versions_name", document_versions.c.name)

renditions = Table(
    "renditions",
    metadata,
    Column("document_id", Integer, primary_key=True),
    Column("major", Integer, primary_key=True),
    Column("minor", Integer, primary_key=True),
    Column("rendition_type", Ordered, primary_key=True),
    Column("content_id", BigInteger, ForeignKey("contents.id", ondelete="RESTRICT"), nullable=False, index=True),
    Column("filename", Text, nullable=False),
    Column("format", Text, nullable=False),
    Column("protected", Boolean, nullable=False, server_default="false"),
    ForeignKeyConstraint(
        ["document_id", "major", "minor"],
        ["document_versions.document_id", "document_versions.major", "document_versions.minor"],
        ondelete="CASCADE",
    ),
)
