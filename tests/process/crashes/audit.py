"""What must hold after kills: nothing lost, nothing twice, every byte its own, nothing half there, nothing left over."""

import asyncio
import time
from collections import Counter
from pathlib import Path
from typing import Any

import asyncpg
from tests.process.crashes.books import Books, Exporting, Upload, Wrong
from tests.process.crashes.site import Site
from tests.process.vault_client import PATIENCE, VaultClient

from strongroom.store.embedded import EmbeddedPostgres

EXPORT = "Export Documents"

_LEFT = {
    "messages": "SELECT count(*) FROM pgqueuer",
    "jobs with open tasks": "SELECT count(*) FROM jobs WHERE open_tasks <> 0 OR failed_tasks <> 0",
    "tasks that have not ended well": "SELECT count(*) FROM job_tasks WHERE state <> 'SUCCESS'",
    "jobs without exactly one task": "SELECT count(*) FROM jobs WHERE (SELECT count(*) FROM job_tasks"
    " WHERE job_id = jobs.id) <> 1 AND status <> 'SCHEDULED'",
}


def job(client: VaultClient, books: Books, made: Exporting) -> None:
    """An ended job: with SUCCESS, once, and every file the document's own."""
    status = client.get(f"services/jobs/{made.job_id}").json()
    if status["responseStatus"] != "SUCCESS" or status["data"]["status"] != "SUCCESS":
        lost(client, books, made)
        return
    closings = client.get(f"services/jobs/{made.job_id}/log").text.count("Completed export documents job")
    if closings != 1:
        books.blame(Wrong.TWICE, made.round, f"job {made.job_id} has ended {closings} times, by its log")
    _files(client, books, made)


def lost(client: VaultClient, books: Books, made: Exporting) -> None:
    """A job that was answered with SUCCESS and has not got there."""
    made.lost = True
    status = client.get(f"services/jobs/{made.job_id}").text
    log = client.get(f"services/jobs/{made.job_id}/log").text
    books.blame(Wrong.LOST, made.round, f"job {made.job_id}: {status}\n{log}")


def document(client: VaultClient, books: Books, made: Upload, document_id: int) -> None:
    """A document that was created: it has its own bytes."""
    books.files += 1
    if client.content_of(f"objects/documents/{document_id}/file") != made.checksum:
        books.blame(Wrong.BYTES, made.round, f"document {document_id} ({made.name}) has other bytes than were sent")


def all_jobs(client: VaultClient, books: Books) -> None:
    """Each answered job stands in the histories once; those without an answer are whole or not there at all."""
    active = _active(client)
    deadline = time.monotonic() + PATIENCE
    while active and time.monotonic() < deadline:  # those without an answer, which nobody has waited for
        time.sleep(0.1)
        active = _active(client)
    if active:
        books.blame(Wrong.LEFT, 0, f"jobs are still active: {active}")
    listed = Counter(row["job_id"] for row in _histories(client))
    for made in books.exports:
        if made.job_id is not None and listed[made.job_id] == 0 and not made.lost:
            books.blame(Wrong.LOST, made.round, f"job {made.job_id} is not in the histories")
    for job_id, times in listed.items():
        if times > 1:
            books.blame(Wrong.TWICE, 0, f"job {job_id} stands {times} times in the histories")
    answered = {made.job_id for made in books.exports}
    unanswered = [made for made in books.exports if made.job_id is None]
    books.unanswered = len(unanswered)
    for job_id in sorted(listed.keys() - answered):
        _unanswered(client, books, unanswered, job_id)


def all_documents(client: VaultClient, books: Books) -> None:
    """Every upload that was answered for is there once, every other one once or not at all, each with its own bytes."""
    found: dict[str, list[int]] = {}
    for row in _documents(client):
        found.setdefault(row["name__v"], []).append(row["id"])
    for made in books.uploads:
        ids = found.get(made.name, [])
        if len(ids) > 1:
            books.blame(Wrong.TWICE, made.round, f"{made.name} was created as {ids}")
        if made.document_id is not None and made.document_id not in ids:
            books.blame(Wrong.LOST, made.round, f"document {made.document_id} ({made.name}) is not there")
        for document_id in ids:
            document(client, books, made, document_id)


def database(data_dir: Path, books: Books) -> None:
    """No message and no open task is left; those that come late or twice may take a while."""
    with EmbeddedPostgres(data_dir) as postgres:  # shared with the server
        left = asyncio.run(_left(postgres.start().url))
    for what, count in left.items():
        books.blame(Wrong.LEFT, 0, f"{count} {what}")


def end(site: Site, books: Books) -> None:
    """The server stops cleanly, and of all processes that there ever were none lives."""
    code = site.stop()
    if code != 0:
        books.blame(Wrong.LEFT, 0, f"the last stop ended with code {code}")
    try:
        site.wait_for_the_end()
    except AssertionError as error:
        books.blame(Wrong.LEFT, 0, str(error))


def _unanswered(client: VaultClient, books: Books, unanswered: list[Exporting], job_id: int) -> None:
    found = client.exported(job_id)
    twin = next((made for made in unanswered if made.documents.keys() == found.keys()), None)
    if twin is None:
        books.blame(Wrong.HALF, 0, f"job {job_id} is of no call: it has {len(found)} files")
        return
    unanswered.remove(twin)
    books.unanswered_done += 1
    twin.job_id = job_id
    job(client, books, twin)


def _files(client: VaultClient, books: Books, made: Exporting) -> None:
    try:
        found = client.exported(made.job_id or 0)
    except AssertionError as error:
        books.blame(Wrong.TWICE, made.round, f"job {made.job_id}: {error}")
        return
    books.files += len(found)
    if found != made.documents:
        wrong = {each for each in found.keys() | made.documents.keys() if found.get(each) != made.documents.get(each)}
        books.blame(Wrong.BYTES, made.round, f"job {made.job_id}: the files of documents {sorted(wrong)}")
    items = _staged(client, f"u{client.user_id}/{made.job_id}")
    if len(items) != len(made.documents):
        books.blame(Wrong.TWICE, made.round, f"job {made.job_id} has {len(items)} files on file staging")


def _staged(client: VaultClient, folder: str) -> list[dict[str, Any]]:
    reply = client.get(f"services/file_staging/items/{folder}?recursive=true&limit=1000").json()
    assert "responseDetails" not in reply, "a job's folder has more than a page of items"
    return [item for item in reply["data"] if item["kind"] == "file"]


def _active(client: VaultClient) -> list[dict[str, Any]]:
    """The active exports; a Vault has jobs of its own, too."""
    jobs = client.get("services/jobs/monitors?limit=200").json()["jobs"]
    return [job for job in jobs if job["title"] == EXPORT]


def _histories(client: VaultClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(f"services/jobs/histories?limit=200&offset={len(found)}").json()["jobs"]
        found += page
        if len(page) < 200:
            return [job for job in found if job["title"] == EXPORT]


def _documents(client: VaultClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        page = client.get(f"objects/documents?limit=200&start={len(found)}").json()["documents"]
        found += [row["document"] for row in page]
        if len(page) < 200:
            return found


async def _left(url: str) -> dict[str, int]:
    connection = await asyncpg.connect(url)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            counts = {what: await connection.fetchval(query) for what, query in _LEFT.items()}
            left = {what: count for what, count in counts.items() if count}
            if not left or time.monotonic() > deadline:
                return left
            await asyncio.sleep(0.1)
    finally:
        await connection.close()
