"""The version map."""

import httpx
import pytest

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v24.3", "/api/v26.1/"])
async def test_map(http: httpx.AsyncClient, path: str) -> None:
    reply = await http.get(path, headers={"Host": "vault.example.com:8443"})
    values = reply.json()["values"]
    assert values["v24.3"] == "https://vault.example.com:8443/api/v24.3"
    assert list(values)[:2] == ["v7.0", "v8.0"]
    assert list(values)[9:12] == ["v16.0", "v17.1", "v17.2"]
    assert list(values)[-2:] == ["v25.3", "v26.1"]
    assert len(values) == 10 + 27 + 1
    assert "X-VaultAPI-UserId" in reply.headers


async def test_without_a_session_it_answers(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get("/api/v26.1")
    assert reply.json()["responseStatus"] == "SUCCESS"


async def test_with_a_bad_session_it_does_not(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get("/api/v26.1", headers={"Authorization": "A" * 128})
    assert reply.status_code == 200
    assert reply.json()["errors"][0]["type"] == "INVALID_SESSION_ID"


async def test_a_host_that_is_none_is_not_echoed(stranger: httpx.AsyncClient) -> None:
    reply = await stranger.get("/api", headers={"Host": 'evil"host'})
    assert reply.json()["values"]["v26.1"] == "https://127.0.0.1:8443/api/v26.1"
