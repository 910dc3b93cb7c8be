"""Users: who may make them, and what of them is refused."""

from dataclasses import replace

import pytest

from strongroom.domain.errors import InsufficientAccess, InvalidData, ParameterRequired, VaultError
from strongroom.domain.page import Window
from strongroom.services import sessions, users
from strongroom.services.users import NewUser
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

NORA = NewUser("nora@acme.example", "Nora", "Lind", "nora@acme.example", password="open sesame")


async def test_a_user_is_found_by_id_and_by_name_in_any_case(vault: Vault) -> None:
    made = await users.create(vault, NORA)
    user = await users.retrieve(vault, made)
    assert (user.name, user.email, user.is_admin, user.created_by) == (NORA.name, NORA.email, False, vault.user.id)
    found = await users.find(vault, "NORA@acme.EXAMPLE")
    assert found is not None
    assert found.id == made
    assert await users.find(vault, "nobody") is None
    with pytest.raises(InvalidData, match=r"\[77\]"):
        await users.retrieve(vault, 77)
    assert (await sessions.authenticate(vault, NORA.name, "open sesame")).user.id == made


@pytest.mark.parametrize(
    ("wrong", "kind", "shows"),
    [
        (replace(NORA, name=""), ParameterRequired, r"\[user_name__v\]"),
        (replace(NORA, first_name=""), ParameterRequired, r"\[user_first_name__v\]"),
        (replace(NORA, last_name=""), ParameterRequired, r"\[user_last_name__v\]"),
        (replace(NORA, email=""), ParameterRequired, r"\[user_email__v\]"),
        (replace(NORA, email="x" * 256), InvalidData, r"\[user_email__v\] has 256 characters"),
        (replace(NORA, timezone="Europe/Atlantis"), InvalidData, r"\[Europe/Atlantis\]"),
        (replace(NORA, security_profile="owner"), InvalidData, r"\[owner\]"),
        (replace(NORA, license_type="half__v"), InvalidData, r"\[half__v\]"),
        (replace(NORA, name="ADMIN@localhost"), InvalidData, r"\[ADMIN@localhost\] already"),
    ],
)
async def test_what_is_refused_is_named_and_makes_nobody(
    vault: Vault, wrong: NewUser, kind: type[VaultError], shows: str
) -> None:
    before = (await users.list_users(vault, Window())).total
    with pytest.raises(kind, match=shows):
        await users.create(vault, wrong)
    assert (await users.list_users(vault, Window())).total == before


async def test_only_admins_make_users(vault: Vault) -> None:
    nora = await users.retrieve(vault, await users.create(vault, NORA))
    with pytest.raises(InsufficientAccess, match=rf"\[{nora.id}\]"):
        await users.create(vault.as_user(nora), replace(NORA, name="nils@acme.example"))
    assert await users.find(vault, "nils@acme.example") is None
