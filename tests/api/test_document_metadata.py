"""What documents can be: types, subtypes, classifications, fields."""

from pathlib import Path

import httpx
import pytest

from strongroom.services import document_types, seed_file
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

METADATA = "/api/v26.1/metadata/objects/documents"
DESCRIBED = """
[[document_lifecycles]]
name = "short__c"
label = "Short"
states = [{ name = "draft__c", label = "Draft", initial = true }]

[[document_types]]
name = "letter__c"
label = "Letter"
lifecycles = ["short__c"]
renditions = ["viewable_rendition__v"]

[[document_types.subtypes]]
name = "love__c"
label = "Love"

[[document_types.subtypes.classifications]]
name = "first__c"
label = "First"

[[document_fields]]
name = "tone__c"
label = "Tone"
type = "Picklist"
values = [{ name = "warm__c", label = "Warm" }]
"""


@pytest.fixture(autouse=True)
async def described(vault: Vault, tmp_path: Path) -> None:
    file = tmp_path / "seed.toml"
    file.write_text(DESCRIBED)
    await document_types.apply_catalog(vault, seed_file.load(file))


async def test_types(http: httpx.AsyncClient) -> None:
    found = (await http.get(f"{METADATA}/types", headers={"Host": "vault.example.com"})).json()["types"]
    assert {"label": "Letter", "value": f"https://vault.example.com{METADATA}/types/letter__c"} in found
    assert not any(each["label"] == "Love" for each in found)


async def test_one_type_from_top_to_bottom(http: httpx.AsyncClient) -> None:
    letter = (await http.get(f"{METADATA}/types/letter__c")).json()
    assert (letter["name"], letter["label"]) == ("letter__c", "Letter")
    assert letter["availableLifecycles"] == [{"name": "short__c", "label": "Short"}]
    assert letter["renditions"] == ["viewable_rendition__v"]
    love = (await http.get(httpx.URL(letter["subtypes"][0]["value"]).path)).json()
    assert love["name"] == "love__c"
    first = (await http.get(httpx.URL(love["classifications"][0]["value"]).path)).json()
    assert first["name"] == "first__c"
    assert first["availableLifecycles"] == [{"name": "short__c", "label": "Short"}]
    assert "subtypes" not in first
    assert "classifications" not in first


async def test_fields(http: httpx.AsyncClient) -> None:
    fields = {each["name"]: each for each in (await http.get(f"{METADATA}/properties")).json()["properties"]}
    assert fields["tone__c"]["type"] == "Picklist"
    assert fields["tone__c"]["values"] == [{"value": "warm__c", "label": "Warm"}]
    xml = (await http.get(f"{METADATA}/properties", headers={"Accept": "application/xml"})).text
    assert "<properties><property><name>" in xml


@pytest.mark.parametrize(
    "path", ["none__c", "love__c", "letter__c/subtypes/none__c", "letter__c/subtypes/love__c/classifications/none__c"]
)
async def test_unknown_types_are_named(http: httpx.AsyncClient, path: str) -> None:
    error = (await http.get(f"{METADATA}/types/{path}")).json()["errors"][0]
    assert error["type"] == "INVALID_DATA"
    assert f"[{path.rpartition('/')[2]}]" in error["message"]
