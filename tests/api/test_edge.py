"""What holds for every call: unknown paths, ids, headers, formats."""

import re
import uuid
from xml.etree import ElementTree as ET

import httpx
import pytest

pytestmark = pytest.mark.anyio

ME = "/api/v26.1/objects/users/me"


def error_of(reply: httpx.Response) -> tuple[str, str]:
    body = reply.json()
    assert body["responseStatus"] == "FAILURE"
    return body["errors"][0]["type"], body["errors"][0]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nothing",
        "/api/v26.1/nothing",
        "/api/v26.1/services/jobs",
        "/api/v26.1/objects/users/me/x",
    ],
)
async def test_unknown_path_is_404(http: httpx.AsyncClient, path: str) -> None:
    reply = await http.get(path)
    assert reply.status_code == 404
    assert error_of(reply) == ("MALFORMED_URL", "The specified resource cannot be found.")
    assert reply.headers["content-type"] == "application/json;charset=UTF-8"


@pytest.mark.parametrize(
    "value", ["9" * 40, "abc", "-1", "2147483648", "%00", "1.5", "1.0", "1e1", "+1", "01", "null", "٣"]
)
async def test_bad_ids_are_named(http: httpx.AsyncClient, value: str) -> None:
    reply = await http.get(f"/api/v26.1/objects/users/{value}")
    assert reply.status_code == 200
    kind, message = error_of(reply)
    assert kind == "INVALID_DATA"
    assert "[id]" in message
    assert value in message or value == "%00"


async def test_headers(http: httpx.AsyncClient) -> None:
    reply = await http.get(ME, headers={"X-VaultAPI-ReferenceId": "abc 1"})
    headers = reply.headers
    assert str(uuid.UUID(headers["X-VaultAPI-ExecutionId"])) == headers["X-VaultAPI-ExecutionId"]
    assert headers["X-VaultAPI-Status"] == "SUCCESS"
    assert int(headers["X-VaultAPI-BurstLimit"]) >= int(headers["X-VaultAPI-BurstLimitRemaining"])
    assert headers["X-VaultAPI-VaultId"] == "1001"
    assert headers["X-VaultAPI-UserId"] == str(reply.json()["users"][0]["user"]["id"])
    shown = headers["X-VaultAPI-TruncatedSessionId"]
    assert http.headers["Authorization"].startswith(shown)
    assert len(shown) < 64
    assert headers["X-VaultAPI-ReferenceId"] == "abc 1"
    assert headers["Cache-Control"] == "no-store, no-cache"
    assert "server" not in headers
    assert "expires" not in headers


@pytest.mark.parametrize(("version", "told"), [("v7.0", True), ("v20.3", True), ("v21.1", False), ("v26.1", False)])
async def test_the_daily_limit_is_told_up_to_20_3(http: httpx.AsyncClient, version: str, told: bool) -> None:
    headers = (await http.get(f"/api/{version}/objects/users/me")).headers
    assert ("X-VaultAPI-DailyLimit" in headers, "X-VaultAPI-DailyLimitRemaining" in headers) == (told, told)


async def test_a_path_that_was_asked_for_before_is_answered_to_who_asks_now(
    http: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    path = "/api/v26.1/objects/users"
    before = (await http.get(path)).json()
    kind, message = error_of(await http.get(path, params={"limit": "many"}))
    assert (kind, "[many]" in message) == ("INVALID_DATA", True)
    assert error_of(await stranger.get(path))[0] == "INVALID_SESSION_ID"
    assert (await http.get(path)).json() == before
    for _ in range(2):
        assert error_of(await http.get(f"{path}/abc"))[0] == "INVALID_DATA"


async def test_headers_without_a_session(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get(ME)
    assert error_of(reply) == ("INVALID_SESSION_ID", "Invalid or expired session ID.")
    assert reply.headers["X-VaultAPI-Status"] == "FAILURE"
    assert "X-VaultAPI-UserId" not in reply.headers
    assert "X-VaultAPI-ReferenceId" not in reply.headers


async def test_error_as_xml(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get(ME, headers={"Accept": "application/xml"})
    assert reply.headers["content-type"] == "application/xml;charset=UTF-8"
    assert reply.text == (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<ApiRestResult><responseStatus>FAILURE</responseStatus>'
        "<errors><error><type>INVALID_SESSION_ID</type><message>Invalid or expired session ID.</message></error></errors>"
        "</ApiRestResult>"
    )


async def test_users_as_xml(http: httpx.AsyncClient) -> None:
    reply = await http.get(ME, headers={"Accept": "application/xml"})
    root = ET.fromstring(reply.content)
    assert root.tag == "ApiRestResult"
    assert root.findtext("users/user/user_name__v") == "admin@localhost"
    assert root.findtext("users/user/active__v") == "true"
    assert root.findtext("users/user/vault_id__v/vault_id__v") == "1001"


async def test_no_null_anywhere(http: httpx.AsyncClient) -> None:
    for path in (ME, "/api/v26.1/objects/users", "/api/v26.1/services/jobs/histories", "/api"):
        assert not re.search(r":\s*null", (await http.get(path)).text), path
