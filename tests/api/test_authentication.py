"""Log in, keep alive, log out."""

import httpx
import pytest

pytestmark = pytest.mark.anyio

AUTH = "/api/v26.1/auth"
CREDENTIALS = {"username": "admin@localhost", "password": "a password for tests", "vaultDNS": "localhost"}


@pytest.mark.parametrize("how", ["form", "multipart", "query", "json"])
async def test_log_in(stranger: httpx.AsyncClient, how: str) -> None:
    if how == "form":
        reply = await stranger.post(AUTH, data=CREDENTIALS)
    elif how == "multipart":
        reply = await stranger.post(AUTH, files={name: (None, value) for name, value in CREDENTIALS.items()})
    elif how == "query":
        reply = await stranger.post(AUTH, params=CREDENTIALS)
    else:
        reply = await stranger.post(AUTH, json=CREDENTIALS)
    body = reply.json()
    assert body["responseStatus"] == "SUCCESS"
    assert len(body["sessionId"]) == 128
    assert set(body["sessionId"]) <= set("0123456789ABCDEF")
    assert body["vaultId"] == 1001
    host = stranger.base_url.netloc.decode()
    assert body["vaultIds"] == [{"id": 1001, "name": "Strongroom", "url": f"https://{host}/api"}]
    assert isinstance(body["userId"], int)


async def test_log_in_as_xml(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.post(AUTH, data=CREDENTIALS, headers={"Accept": "application/xml"})
    assert "<VersionedAuthRestResult><responseStatus>SUCCESS</responseStatus><sessionId>" in reply.text
    assert "<vaultIds><vaultIds><id>1001</id>" in reply.text


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"password": "wrong"}, "USERNAME_OR_PASSWORD_INCORRECT"),
        ({"password": ""}, "NO_PASSWORD_PROVIDED"),
        ({"username": ""}, "PARAMETER_REQUIRED"),
        ({"username": "nobody"}, "USERNAME_OR_PASSWORD_INCORRECT"),
    ],
)
async def test_failed_log_in(stranger: httpx.AsyncClient, change: dict[str, str], kind: str) -> None:
    reply = await stranger.post(AUTH, data=CREDENTIALS | change)
    assert reply.status_code == 200
    body = reply.json()
    assert body["responseStatus"] == "FAILURE"
    assert body["errorType"] == "AUTHENTICATION_FAILED"
    assert body["errors"][0]["type"] == kind


async def test_other_errors_have_no_error_type(stranger: httpx.AsyncClient) -> None:
    assert "errorType" not in (await stranger.get("/api/v26.1/objects/users/me")).json()


async def test_keep_alive_and_end(http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/v26.1/keep-alive")).json() == {"responseStatus": "SUCCESS"}
    ended = await http.request("DELETE", "/api/v26.1/session", data={"ignored": "1"})
    assert ended.json() == {"responseStatus": "SUCCESS"}
    for method, path in (("POST", "keep-alive"), ("GET", "objects/users/me"), ("DELETE", "session")):
        reply = await http.request(method, f"/api/v26.1/{path}")
        assert reply.json()["errors"][0]["type"] == "INVALID_SESSION_ID"
