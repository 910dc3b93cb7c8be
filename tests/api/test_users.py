"""Users: the caller, one, all."""

import httpx
import pytest

from strongroom.services import users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

USERS = "/api/v26.1/objects/users"


async def test_me(http: httpx.AsyncClient) -> None:
    reply = (await http.get(f"{USERS}/me")).json()
    user = reply["users"][0]["user"]
    assert user["user_name__v"] == "admin@localhost"
    assert user["security_profile__v"] == "vault_owner__v"
    assert user["last_login__v"].endswith("Z")
    assert user["vault_id__v"] == [1001]
    assert "vault_membership" not in user
    more = (
        await http.get(f"{USERS}/me", params={"exclude_vault_membership": "False", "exclude_app_licensing": "FALSE"})
    ).json()
    assert more["users"][0]["user"]["vault_membership"][0]["id"] == 1001


async def test_one_and_all(http: httpx.AsyncClient, vault: Vault) -> None:
    made = await users.create(vault, NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example"))
    one = (await http.get(f"{USERS}/{made}")).json()["users"][0]["user"]
    assert one["id"] == made
    assert one["domain_name__v"] == "acme.example"
    page = (await http.get(USERS, params={"limit": 1, "start": 1, "sort": "id desc"})).json()
    assert (page["size"], page["start"], page["limit"], page["sort"]) == (1, 1, 1, "id desc")
    ids = [row["user"]["id"] for row in (await http.get(USERS)).json()["users"]]
    assert made in ids
    assert ids == sorted(ids)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "ten"),
        ("start", "-1"),
        ("sort", "name"),
        ("exclude_app_licensing", "maybe"),
    ],
)
async def test_bad_parameters_are_named(http: httpx.AsyncClient, name: str, value: str) -> None:
    error = (await http.get(USERS, params={name: value})).json()["errors"][0]
    assert error["type"] == "INVALID_DATA"
    assert f"[{value}]" in error["message"]
    assert f"[{name}]" in error["message"]


async def test_unknown_user(http: httpx.AsyncClient) -> None:
    reply = await http.get(f"{USERS}/99")
    assert reply.status_code == 200
    assert reply.json()["errors"][0]["type"] == "INVALID_DATA"
