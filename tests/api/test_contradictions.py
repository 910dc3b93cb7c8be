"""Choices between public sources that contradict each other: those that no other test of a call holds."""

import asyncio
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.anyio

API = "/api/v26.1"
EXPORT = f"{API}/objects/documents/batch/actions/fileextract"
FIELDS = {"name__v": "Cleaning SOP", "type__v": "General", "lifecycle__v": "General Lifecycle"}


async def document(http: httpx.AsyncClient) -> int:
    made: int = (await http.post(f"{API}/objects/documents", data=FIELDS, files={"file": ("a.txt", b"a")})).json()["id"]
    return made


async def results_of(http: httpx.AsyncClient, job_id: str) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            reply: dict[str, Any] = (await http.get(f"{EXPORT}/{job_id}/results")).json()
            if reply["responseStatus"] == "SUCCESS":
                return reply
            await asyncio.sleep(0.05)


async def test_the_second_page_begins_at_offset_50(http: httpx.AsyncClient) -> None:
    rows = [{"id": await document(http)}]
    started = [int((await http.post(EXPORT, json=rows)).json()["job_id"]) for _ in range(51)]
    first = (await http.get(f"{API}/services/jobs/monitors")).json()
    place = first["responseDetails"]["next_page"]
    assert place == f"{API}/services/jobs/monitors?limit=50&offset=50"
    second = (await http.get(place)).json()
    listed = [job["job_id"] for page in (first, second) for job in page["jobs"]]
    assert (len(first["jobs"]), len(second["jobs"])) == (50, 1)
    assert sorted(listed) == sorted(started)


@pytest.mark.usefixtures("running_worker")
async def test_results_of_an_export_name_their_job(http: httpx.AsyncClient) -> None:
    job_id = (await http.post(EXPORT, json=[{"id": await document(http)}])).json()["job_id"]
    assert (await results_of(http, job_id))["job_id"] == int(job_id)


@pytest.mark.usefixtures("running_worker")
async def test_ids_to_export_are_strings_or_numbers(http: httpx.AsyncClient) -> None:
    made = [await document(http), await document(http)]
    job_id = (await http.post(EXPORT, json=[{"id": made[0]}, {"id": str(made[1])}])).json()["job_id"]
    assert [row["id"] for row in (await results_of(http, job_id))["data"]] == made


@pytest.mark.usefixtures("running_worker")
async def test_the_text_of_documents_is_not_exported_yet(http: httpx.AsyncClient) -> None:
    rows = [{"id": await document(http)}]
    job_id = (await http.post(EXPORT, params={"text": "true"}, json=rows)).json()["job_id"]
    assert [row["file"].rpartition("/")[2] for row in (await results_of(http, job_id))["data"]] == ["a.txt"]
