"""Values of document fields in seed files: dates keep their offset, and what does not fit is named."""

from pathlib import Path

import pytest

from strongroom import catalog
from strongroom.domain.page import Window
from strongroom.domain.seed import SeedError
from strongroom.services import documents, seeding
from strongroom.services.documents import DocumentQuery
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

SEED = """
[[document_fields]]
name = "approved_at__c"
label = "Approved At"
type = "DateTime"

[[documents]]
name__v = "Cleaning SOP"
type__v = "general__c"
lifecycle__v = "General Lifecycle"
fields = {{ approved_at__c = {value} }}
"""


async def apply(vault: Vault, folder: Path, value: str) -> None:
    file = folder / "acme.toml"
    file.write_text(SEED.format(value=value), encoding="utf-8")
    await seeding.apply(vault, seeding.load(catalog.standard()))
    await seeding.apply(vault, seeding.load(file))


async def test_a_moment_is_kept_in_utc(system_vault: Vault, tmp_path: Path) -> None:
    await apply(system_vault, tmp_path, "2026-03-01T12:00:00+02:00")
    found = await documents.list_documents(system_vault, DocumentQuery(), Window())
    assert [view.fields["approved_at__c"] for view in found] == ["2026-03-01T10:00:00.000Z"]


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("2026-03-01T12:00:00", "needs an offset from UTC"),
        ("2026-03-01", "cannot be [2026-03-01]"),
        ('["2026-03-01T12:00:00Z"]', "must not be a list"),
    ],
)
async def test_what_is_no_moment_is_refused(system_vault: Vault, tmp_path: Path, value: str, names: str) -> None:
    with pytest.raises(SeedError) as caught:
        await apply(system_vault, tmp_path, value)
    assert "[approved_at__c]" in caught.value.message
    assert names in caught.value.message
    assert await documents.list_documents(system_vault, DocumentQuery(), Window()) == []
