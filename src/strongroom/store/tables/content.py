"""Blobs, contents made of them, and the file staging items that refer to contents."""

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, Integer, LargeBinary, Table, Text, func

from strongroom.store.tables.metadata import Moment, Ordered, metadata

blobs = Table(
    "blobs",
    metadata,
    Column("key", Ordered, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("md5", LargeBinary, nullable=False),
    # When it was written, or last said to be needed by the upload that it is a part of.
    Column("created_date", Moment, nullable=False, server_default=func.now()),
)

# Rows of blobs are deleted first, their bytes a day later: a download or an export may still read them.
blob_tombstones = Table(
    "blob_tombstones",
    metadata,
    Column("key", Ordered, primary_key=True),
    Column("deleted_date", Moment, nullable=False, server_default=func.now()),
)

contents = Table(
    "contents",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("md5", LargeBinary, nullable=False),
    Column("created_date", Moment, nullable=False, server_default=func.now()),
    # Since when the sweep has seen that nothing refers to it; null while something does.
    Column("unused_date", Moment),
)

content_blobs = Table(
    "content_blobs",
    metadata,
    Column("content_id", BigInteger, ForeignKey(contents.c.id, ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("blob_key", Ordered, ForeignKey(blobs.c.key, ondelete="RESTRICT"), nullable=False, index=True),
)

staging_items = Table(
    "staging_items",
    metadata,
    # From the staging root, with a leading slash and no trailing one: /u10001/reports/a.csv
    Column("path", Ordered, primary_key=True),
    Column("parent", Ordered, nullable=False),
    Column("name", Ordered, nullable=False),
    Column("kind", Text, nullable=False),
    Column("content_id", BigInteger, ForeignKey(contents.c.id, ondelete="RESTRICT"), index=True),
    Column("size", BigInteger),
    Column("modified_date", Moment, nullable=False),
    Column("modified_by", Integer, nullable=False),
    # Extracts and exports vanish after 72 hours; null for what stays.
    Column("expires_date", Moment),
)
Index("ix_staging_items_parent_name", staging_items.c.parent, staging_items.c.name)
Index("ix_staging_items_expires_date", staging_items.c.expires_date)
