"""The tables of a Vault, as SQLAlchemy Core sees them. ``migrations`` makes them; a test holds the two together."""

from strongroom.store.tables.call_count import call_counts
from strongroom.store.tables.content import blob_tombstones, blobs, content_blobs, contents, staging_items
from strongroom.store.tables.document import (
    document_fields,
    document_lifecycles,
    document_types,
    document_versions,
    documents,
    renditions,
)
from strongroom.store.tables.job import job_log, job_polls, job_tasks, jobs
from strongroom.store.tables.job_count import job_hour_counts
from strongroom.store.tables.job_definition import job_definitions, job_metadata, job_queues
from strongroom.store.tables.metadata import metadata
from strongroom.store.tables.user import login_failures, sessions, users, vaults
from strongroom.store.tables.webhook import webhook_deliveries, webhooks

__all__ = [
    "blob_tombstones",
    "blobs",
    "call_counts",
    "content_blobs",
    "contents",
    "document_fields",
    "document_lifecycles",
    "document_types",
    "document_versions",
    "documents",
    "job_definitions",
    "job_hour_counts",
    "job_log",
    "job_metadata",
    "job_polls",
    "job_queues",
    "job_tasks",
    "jobs",
    "login_failures",
    "metadata",
    "renditions",
    "sessions",
    "staging_items",
    "users",
    "vaults",
    "webhook_deliveries",
    "webhooks",
]
