from pathlib import Path

import msgspec
import pytest

from strongroom.domain.document_type import DocumentCatalog, DocumentType, Lifecycle, State
from strongroom.domain.errors import InvalidData, ParameterRequired
from strongroom.domain.seed import Seed
from strongroom.services import document_types, documents
from strongroom.services.documents import NewDocument
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

DESCRIBED = """
[[document_lifecycles]]
name = "sop_lifecycle__c"
label = "SOP Lifecycle"
states = [{ name = "draft__c", label = "Draft", initial = true }, { name = "effective__c", label = "Effective", steady = true }]

[[document_fields]]
name = "author__c"
label = "Author"
type = "String"
required = true

[[document_types]]
name = "quality__c"
label = "Quality"
lifecycles = ["sop_lifecycle__c"]
renditions = ["viewable_rendition__v"]

[[document_types.subtypes]]
name = "sop__c"
label = "SOP"
lifecycles = ["general_lifecycle__c"]
renditions = ["imported_rendition__c"]

[[document_types.subtypes.classifications]]
name = "cleaning__c"
label = "Cleaning"
"""
SOP = {"name__v": "N", "type__v": "Quality", "author__c": "Nora"}


@pytest.fixture
async def described(vault: Vault) -> Vault:
    given = msgspec.toml.decode(f"source = 'test.toml'\n{DESCRIBED}", type=Seed, dec_hook=lambda kind, text: kind(text))
    await document_types.apply_catalog(vault, given)
    return vault


async def status_of(vault: Vault, fields: dict[str, str]) -> tuple[str, str]:
    shown = (await documents.retrieve(vault, await documents.create(vault, NewDocument(fields)))).fields
    return shown["lifecycle__v"], shown["status__v"]


async def test_the_standard_catalog_has_what_unclassified_and_general_documents_need(vault: Vault) -> None:
    catalog = await document_types.catalog(vault)
    assert {"undefined__v", "general__c"} <= set(catalog.types)
    assert {"unclassified__v", "general_lifecycle__c"} <= set(catalog.lifecycles)
    assert all(catalog.fields[name].required for name in ("name__v", "type__v", "lifecycle__v"))
    for kind in catalog.types.values():
        assert set(kind.lifecycles) <= set(catalog.lifecycles)
        assert kind.parent is None or kind.parent in catalog.types


async def test_a_level_that_says_nothing_has_the_lifecycles_and_renditions_of_the_one_above(described: Vault) -> None:
    assert await status_of(described, SOP | {"lifecycle__v": "SOP Lifecycle"}) == ("SOP Lifecycle", "Draft")
    below = SOP | {"subtype__v": "sop__c", "classification__v": "CLEANING"}
    assert await status_of(described, below | {"lifecycle__v": "general_lifecycle__c"}) == (
        "General Lifecycle",
        "Draft",
    )
    with pytest.raises(InvalidData, match=r"lifecycle__v.*\[SOP Lifecycle\]"):
        await status_of(described, below | {"lifecycle__v": "SOP Lifecycle"})
    made = await documents.create(described, NewDocument(below | {"lifecycle__v": "General Lifecycle"}))
    assert await documents.rendition_types(described, made) == (["imported_rendition__c"], [])


async def test_a_required_field_must_be_given(described: Vault) -> None:
    with pytest.raises(ParameterRequired, match=r"\[author__c\]"):
        await status_of(described, SOP | {"lifecycle__v": "SOP Lifecycle", "author__c": ""})


async def test_a_level_belongs_to_its_own_parent(described: Vault) -> None:
    for wrong in ({"type__v": "General", "subtype__v": "SOP"}, {"classification__v": "Cleaning"}, {"type__v": "SOP"}):
        with pytest.raises(InvalidData, match=r"is unknown"):
            await status_of(described, SOP | {"lifecycle__v": "SOP Lifecycle"} | wrong)


async def test_what_is_applied_again_is_replaced(described: Vault, tmp_path: Path) -> None:
    before = await document_types.catalog(described)
    renamed = msgspec.toml.decode(DESCRIBED.replace('label = "SOP"', 'label = "Procedure"'))
    again = msgspec.convert(renamed | {"source": tmp_path}, Seed)
    await document_types.apply_catalog(described, again)
    after = await document_types.catalog(described)
    assert after.types["sop__c"].label == "Procedure"
    assert set(after.types) == set(before.types)
    assert after.fields == before.fields


def test_states_of_versions_without_a_given_one() -> None:
    draft, effective = State("draft__c", "Draft", initial=True), State("effective__c", "Effective", steady=True)
    lifecycle = Lifecycle("l__c", "L", (draft, effective))
    assert [lifecycle.state_of(minor) for minor in (0, 1)] == [effective, draft]
    assert Lifecycle("l__c", "L", (draft,)).state_of(0) == draft


def test_a_type_without_a_usable_lifecycle_is_refused_in_words() -> None:
    for lifecycles in ((), ("gone__c",)):
        catalog = DocumentCatalog({"a__c": DocumentType("a__c", "A", "type", lifecycles=lifecycles)}, {}, {})
        with pytest.raises(InvalidData, match=r"lifecycle__v.*\[L\]"):
            catalog.classify({"type__v": "A", "lifecycle__v": "L"})
