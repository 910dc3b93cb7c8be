"""Documents: created, retrieved, given new versions, deleted; one at a time and many."""

import csv
import io
import json

import httpx
import pytest
from tests.api.http_server import logged_in

from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

DOCUMENTS = "/api/v26.1/objects/documents"
FIELDS = {"name__v": "Cleaning SOP", "type__v": "General", "lifecycle__v": "General Lifecycle"}


async def create(
    http: httpx.AsyncClient, content: bytes | None = b"%PDF", filename: str = "sop.pdf", **fields: str
) -> int:
    files = {} if content is None else {"file": (filename, content)}
    reply = (await http.post(DOCUMENTS, data=FIELDS | fields, files=files)).json()
    assert reply["responseStatus"] == "SUCCESS", reply
    assert reply["responseMessage"] == "successfully created document"
    made: int = reply["id"]
    return made


def error_of(reply: httpx.Response) -> tuple[str, str]:
    assert reply.status_code == 200
    body = reply.json()
    assert body["responseStatus"] == "FAILURE"
    return body["errors"][0]["type"], body["errors"][0]["message"]


async def test_create_and_retrieve(http: httpx.AsyncClient) -> None:
    made = await create(http, b"hello", "C:\\Users\\nora\\Cleaning SOP.docx", title__v="Clean", unknown__c="x")
    reply = (await http.get(f"{DOCUMENTS}/{made}", headers={"Host": "vault.example.com"})).json()
    document = reply["document"]
    assert document["id"] == made
    assert document["version_id"] == f"{made}_0_1"
    assert (document["name__v"], document["title__v"], document["type__v"]) == ("Cleaning SOP", "Clean", "General")
    assert (document["filename__v"], document["size__v"]) == ("Cleaning SOP.docx", 5)
    assert (document["major_version_number__v"], document["minor_version_number__v"]) == (0, 1)
    assert "unknown__c" not in document
    assert reply["versions"] == [
        {"number": "0.1", "value": f"https://vault.example.com{DOCUMENTS}/{made}/versions/0/1"}
    ]
    assert reply["renditions"] == {}
    assert reply["attachments"] == []
    same = (await http.get(f"{DOCUMENTS}/{made}/versions/0/1")).json()
    assert same["document"] == document


@pytest.mark.parametrize("how", ["urlencoded", "multipart", "query"])
async def test_a_placeholder(http: httpx.AsyncClient, how: str) -> None:
    if how == "urlencoded":
        reply = await http.post(DOCUMENTS, data=FIELDS)
    elif how == "multipart":
        reply = await http.post(DOCUMENTS, files={name: (None, value) for name, value in FIELDS.items()})
    else:
        reply = await http.post(DOCUMENTS, params=FIELDS)
    made = reply.json()["id"]
    assert "filename__v" not in (await http.get(f"{DOCUMENTS}/{made}")).json()["document"]
    kind, message = error_of(await http.get(f"{DOCUMENTS}/{made}/file"))
    assert kind == "INVALID_DATA"
    assert f"[{made}]" in message
    filled = (await http.post(f"{DOCUMENTS}/{made}", files={"file": ("a.txt", b"a")})).json()
    assert (filled["major_version_number__v"], filled["minor_version_number__v"]) == (0, 1)
    assert (await http.get(f"{DOCUMENTS}/{made}/file")).content == b"a"


@pytest.mark.parametrize("field", FIELDS)
async def test_what_is_missing_is_named(http: httpx.AsyncClient, field: str) -> None:
    reply = await http.post(DOCUMENTS, data={name: value for name, value in FIELDS.items() if name != field})
    assert error_of(reply) == ("PARAMETER_REQUIRED", f"Missing required parameter [{field}]")


async def test_versions(http: httpx.AsyncClient) -> None:
    made = await create(http, b"first")
    new = (
        await http.post(
            f"{DOCUMENTS}/{made}?suppressRendition=true",
            data={"createDraft": "uploadedContent", "description__v": "more"},
            files={"file": ("b.txt", b"second")},
        )
    ).json()
    assert new == {
        "responseStatus": "SUCCESS",
        "responseMessage": "New draft successfully created.",
        "major_version_number__v": 0,
        "minor_version_number__v": 2,
    }
    copied = (await http.post(f"{DOCUMENTS}/{made}", data={"createDraft": "latestContent"})).json()
    assert copied["minor_version_number__v"] == 3
    listed = (await http.get(f"{DOCUMENTS}/{made}/versions")).json()
    assert [version["number"] for version in listed["versions"]] == ["0.1", "0.2", "0.3"]
    assert listed["renditions"] == {}
    one = (await http.get(f"{DOCUMENTS}/{made}/versions/0/2")).json()
    assert [version["number"] for version in one["versions"]] == ["0.2"]
    assert (await http.get(f"{DOCUMENTS}/{made}/versions/0/1/file")).content == b"first"
    assert (await http.get(f"{DOCUMENTS}/{made}/file")).content == b"second"
    gone = await http.delete(f"{DOCUMENTS}/{made}/versions/0/3")
    assert gone.json() == {"responseStatus": "SUCCESS", "id": made}
    assert len((await http.get(f"{DOCUMENTS}/{made}/versions")).json()["versions"]) == 2
    assert error_of(await http.get(f"{DOCUMENTS}/{made}/versions/0/3"))[0] == "INVALID_DATA"


async def test_delete(http: httpx.AsyncClient) -> None:
    made = await create(http)
    assert (await http.request("DELETE", f"{DOCUMENTS}/{made}", content=b"")).json() == {
        "responseStatus": "SUCCESS",
        "id": made,
    }
    kind, message = error_of(await http.get(f"{DOCUMENTS}/{made}"))
    assert kind == "INVALID_DATA"
    assert f"[{made}]" in message


async def test_list(http: httpx.AsyncClient) -> None:
    made = [await create(http, name__v=name) for name in ("b", "a", "c")]
    page = (await http.get(DOCUMENTS, params={"sort": "name__v DESC", "limit": 2, "start": 1})).json()
    assert (page["size"], page["start"], page["limit"]) == (2, 1, 2)
    assert [row["document"]["name__v"] for row in page["documents"]] == ["b", "a"]
    everything = (await http.get(DOCUMENTS)).json()
    assert [row["document"]["id"] for row in everything["documents"]] == made
    assert error_of(await http.get(f"{DOCUMENTS}?named_filter=Mine"))[0] == "INVALID_FILTER"
    for wrong in ("limit=0", "limit=201", "start=x", "sort=none", "versionscope=some"):
        kind, message = error_of(await http.get(f"{DOCUMENTS}?{wrong}"))
        assert kind == "INVALID_DATA"
        assert f"[{wrong.partition('=')[2]}]" in message


async def staged(http: httpx.AsyncClient, path: str, content: bytes) -> None:
    items = "/api/v26.1/services/file_staging/items"
    reply = await http.post(items, data={"kind": "file", "path": path}, files={"file": ("x", content)})
    assert reply.json()["responseStatus"] == "SUCCESS"


ROWS = [
    FIELDS | {"file": "in/a.txt", "external_id__v": "A-1"},
    FIELDS | {"file": "", "type__v": "No Such Type"},
    FIELDS | {"file": "in/missing.txt"},
    FIELDS | {"file": "in/a.txt", "name__v": 'quoted "name", with comma'},
]


@pytest.mark.parametrize("body", ["csv", "json"])
@pytest.mark.parametrize("accept", ["application/json", "text/csv", "application/xml"])
async def test_create_many(http: httpx.AsyncClient, body: str, accept: str) -> None:
    await staged(http, "/in/a.txt", b"from staging")
    if body == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(out, ["file", "external_id__v", *FIELDS], restval="")
        writer.writeheader()
        writer.writerows(ROWS)
        content, content_type = out.getvalue().encode(), "text/csv; charset=UTF-8"
    else:
        content, content_type = json.dumps(ROWS).encode(), "application/json"
    reply = await http.post(
        f"{DOCUMENTS}/batch", content=content, headers={"Content-Type": content_type, "Accept": accept}
    )
    assert reply.headers["content-type"] == f"{accept};charset=UTF-8"
    assert reply.headers["X-VaultAPI-Status"] == "SUCCESS"
    if accept == "text/csv":
        rows = list(csv.DictReader(io.StringIO(reply.text)))
        assert list(rows[0]) == ["responseStatus", "id", "external_id__v", "errors"]
        assert [row["responseStatus"] for row in rows] == ["SUCCESS", "FAILURE", "FAILURE", "SUCCESS"]
        assert rows[1]["errors"].startswith("INVALID_DATA|")
        first = int(rows[0]["id"])
    elif accept == "application/json":
        data = reply.json()["data"]
        assert data[0] == {"responseStatus": "SUCCESS", "id": data[0]["id"], "external_id__v": "A-1"}
        assert data[1]["errors"][0]["type"] == "INVALID_DATA"
        assert "[No Such Type]" in data[1]["errors"][0]["message"]
        assert "[in/missing.txt]" in data[2]["errors"][0]["message"]
        assert list(data[3]) == ["responseStatus", "id"]
        first = data[0]["id"]
    else:
        assert "<data><data><responseStatus>SUCCESS</responseStatus><id>" in reply.text
        assert "<errors><error><type>INVALID_DATA</type>" in reply.text
        first = int(reply.text.partition("<id>")[2].partition("</id>")[0])
    assert (await http.get(f"{DOCUMENTS}/{first}/file")).content == b"from staging"


async def test_batches_that_are_refused(http: httpx.AsyncClient) -> None:
    for rows, names in (([FIELDS] * 501, "501"), ([], "at least one row")):
        kind, message = error_of(await http.post(f"{DOCUMENTS}/batch", json=rows))
        assert kind == "INVALID_DATA"
        assert names in message
    assert (await http.get(DOCUMENTS)).json()["documents"] == []
    headers = {"Content-Type": "application/json", "Accept": "text/csv"}
    reply = await http.post(f"{DOCUMENTS}/batch", content=b"{", headers=headers)
    assert reply.headers["content-type"] == "application/json;charset=UTF-8"
    assert error_of(reply)[0] == "INVALID_DATA"
    odd = await http.post(f"{DOCUMENTS}/batch", json=[FIELDS | {"file": ["a"], "name__v": {"a": 1}, "title__v": True}])
    assert odd.json()["data"][0]["responseStatus"] == "FAILURE"


async def test_delete_many(http: httpx.AsyncClient) -> None:
    made = [await create(http, external_id__v=f"D-{number}") for number in range(3)]
    rows = [{"id": made[0]}, {"id": "77777"}, {"id": ""}]
    data = (await http.request("DELETE", f"{DOCUMENTS}/batch", json=rows)).json()["data"]
    assert data[0]["responseStatus"] == "SUCCESS"
    assert data[0]["id"] == made[0]
    assert [row["errors"][0]["type"] for row in data[1:]] == ["INVALID_DATA", "PARAMETER_REQUIRED"]
    reply = await http.request(
        "DELETE",
        f"{DOCUMENTS}/batch?idParam=external_id__v",
        content=b"external_id__v\nD-1\n",
        headers={"Content-Type": "text/csv"},
    )
    assert reply.json()["data"][0]["responseStatus"] == "SUCCESS"
    assert [row["document"]["id"] for row in (await http.get(DOCUMENTS)).json()["documents"]] == [made[2]]


async def test_migration_mode(http: httpx.AsyncClient) -> None:
    numbers = {"major_version_number__v": "2", "minor_version_number__v": "0", "status__v": "Approved"}
    for value, version in (("true", "2_0"), ("false", "0_1")):
        reply = await http.post(DOCUMENTS, data=FIELDS | numbers, headers={"X-VaultAPI-MigrationMode": value})
        made = reply.json()["id"]
        assert (await http.get(f"{DOCUMENTS}/{made}")).json()["document"]["version_id"] == f"{made}_{version}"


async def test_a_user_who_may_only_read(http: httpx.AsyncClient, vault: Vault, port: int) -> None:
    made = await create(http)
    new = NewUser(
        "nora@acme.example", "Nora", "Lind", "n@x", password="open sesame", security_profile="read_only_user__v"
    )
    await users.create(vault, new)
    async with logged_in(port, "nora@acme.example", "open sesame") as nora:
        assert (await nora.get(f"{DOCUMENTS}/{made}")).json()["responseStatus"] == "SUCCESS"
        assert error_of(await nora.post(DOCUMENTS, data=FIELDS))[0] == "INSUFFICIENT_ACCESS"
        assert error_of(await nora.delete(f"{DOCUMENTS}/{made}"))[0] == "INSUFFICIENT_ACCESS"
