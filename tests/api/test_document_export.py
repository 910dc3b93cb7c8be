"""Export Documents over HTTP, from the call to the file."""

import asyncio

import httpx
import pytest

pytestmark = pytest.mark.anyio

DOCUMENTS = "/api/v26.1/objects/documents"
EXPORT = f"{DOCUMENTS}/batch/actions/fileextract"
FIELDS = {"name__v": "Cleaning SOP", "type__v": "General", "lifecycle__v": "General Lifecycle"}


async def results_of(http: httpx.AsyncClient, job_id: str) -> list[dict[str, object]]:
    """Poll the results, as some clients do: FAILURE means not ready."""
    async with asyncio.timeout(20):
        while True:
            reply = (await http.get(f"{EXPORT}/{job_id}/results")).json()
            if reply["responseStatus"] == "SUCCESS":
                rows: list[dict[str, object]] = reply["data"]
                return rows
            assert reply["errors"][0]["type"] == "OPERATION_NOT_ALLOWED"
            await asyncio.sleep(0.05)


@pytest.mark.usefixtures("running_worker")
async def test_from_the_call_to_the_file(http: httpx.AsyncClient) -> None:
    made = (await http.post(DOCUMENTS, data=FIELDS, files={"file": ("Cleaning SOP.docx", b"content")})).json()["id"]
    user_id = (await http.get("/api/v26.1/objects/users/me")).json()["users"][0]["user"]["id"]
    flags = {"source": "true", "renditions": "false", "allversions": "false"}
    started = (await http.post(EXPORT, params=flags, json=[{"id": str(made)}])).json()
    job_id = started["job_id"]
    assert started == {"responseStatus": "SUCCESS", "url": f"/api/v26.1/services/jobs/{job_id}", "job_id": job_id}
    assert isinstance(job_id, str)
    row = (await results_of(http, job_id))[0]
    path = f"/{job_id}/{made}/0_1/Cleaning SOP.docx"
    assert row == {
        "responseStatus": "SUCCESS", "id": made, "major_version_number__v": 0, "minor_version_number__v": 1,
        "file": path, "user_id__v": user_id,
    }  # fmt: skip
    file = await http.get(f"/api/v26.1/services/file_staging/items/content/u{user_id}/{path}")
    assert file.content == b"content"
    status = (await http.get(started["url"])).json()["data"]
    assert status["status"] == "SUCCESS"
    assert status["links"][1]["href"] == f"{EXPORT}/{job_id}/results"


@pytest.mark.parametrize(
    ("path", "rows", "flags", "kind"),
    [
        (EXPORT, [], {}, "INVALID_DATA"),
        (EXPORT, [{"name": "x"}], {}, "PARAMETER_REQUIRED"),
        (EXPORT, [{"id": "9" * 40}], {}, "INVALID_DATA"),
        (EXPORT, [{"id": 1}], {"source": "maybe"}, "INVALID_DATA"),
        (EXPORT, [{"id": 1}], {"source": "False"}, "INVALID_DATA"),
        (
            f"{DOCUMENTS}/versions/batch/actions/fileextract",
            [{"id": 1, "major_version_number__v": 0}],
            {},
            "PARAMETER_REQUIRED",
        ),
    ],
)
async def test_what_is_refused(
    http: httpx.AsyncClient, path: str, rows: list[dict[str, object]], flags: dict[str, str], kind: str
) -> None:
    reply = await http.post(path, params=flags, json=rows)
    assert reply.status_code == 200
    assert reply.json()["errors"][0]["type"] == kind
    assert (await http.get("/api/v26.1/services/jobs/monitors")).json()["jobs"] == []
