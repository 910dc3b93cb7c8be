"""Documents to export: one that is uploaded, and thousands that share its bytes, written straight to the tables."""

import time

import httpx
from benchmarks.servers import Strongroom, sql

CONTENT = b"The same few words in every document.\n"

_FIELDS = {"name__v": "A document", "type__v": "General", "lifecycle__v": "General Lifecycle"}
_DOCUMENTS = """
    INSERT INTO documents (created_by, created_date, latest_major, latest_minor)
    SELECT first.created_by, first.created_date, first.latest_major, first.latest_minor
    FROM documents AS first, generate_series(2, $2::integer) WHERE first.id = $1
"""
_VERSIONS = """
    INSERT INTO document_versions (document_id, major, minor, name, type, lifecycle, state, content_id, filename,
        format, fields, created_by, created_date, modified_by, modified_date)
    SELECT documents.id, major, minor, name, type, lifecycle, state, content_id, filename,
        format, fields, version.created_by, version.created_date, modified_by, modified_date
    FROM document_versions AS version, documents WHERE version.document_id = $1 AND documents.id > $1
"""


def fill(server: Strongroom, count: int) -> list[int]:
    """Make documents in an empty Vault; gives their ids."""
    with server.client() as http, server.database() as url:
        file = {"file": ("words.txt", CONTENT)}
        first = http.post("/objects/documents", data=_FIELDS, files=file).json()["id"]
        sql(url, _DOCUMENTS, first, count)
        sql(url, _VERSIONS, first)
        sql(url, "ANALYZE")
        ids = sql(url, "SELECT array_agg(id ORDER BY id) FROM documents")
    assert isinstance(ids, list)
    assert len(ids) == count
    return ids


def export(http: httpx.Client, ids: list[int]) -> int:
    """Start an export; gives the job's id."""
    reply = http.post(
        "/objects/documents/batch/actions/fileextract", json=[{"id": str(document_id)} for document_id in ids]
    ).json()
    assert reply["responseStatus"] == "SUCCESS", reply
    return int(reply["job_id"])


def wait_for(http: httpx.Client, job_id: int, seconds: float = 600, step: float = 0.02) -> None:
    """Wait until a job has ended well."""
    deadline = time.monotonic() + seconds
    while (status := http.get(f"/services/jobs/{job_id}").json()["data"]["status"]) != "SUCCESS":
        assert status in {"QUEUEING", "QUEUED", "RUNNING"}, status
        assert time.monotonic() < deadline, f"job {job_id} is still {status}"
        time.sleep(step)
