"""Seeds in a Vault: what is made, that nothing is made twice, and that a refusal names its place and leaves no half."""

import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from strongroom import catalog
from strongroom.config import SAMPLE, Settings
from strongroom.domain.content import Content
from strongroom.domain.errors import InvalidData
from strongroom.domain.page import Window
from strongroom.domain.seed import SeedError
from strongroom.services import (
    contents,
    document_types,
    documents,
    file_staging,
    job_definitions,
    passwords,
    seeding,
    users,
)
from strongroom.services.documents import DocumentQuery
from strongroom.services.job_definitions import Changes
from strongroom.services.seeding import Made
from strongroom.store import users as user_rows
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

FILES = catalog.sample().parent / "files"
DOCUMENT = """
[[documents]]
name__v = "Cleaning SOP"
type__v = "general__c"
lifecycle__v = "General Lifecycle"
"""
USER = """
[[users]]
user_name__v = "nora@acme.example"
user_first_name__v = "Nora"
user_last_name__v = "Lind"
user_email__v = "nora@acme.example"
"""


DEFINITION = """
[[job_definitions]]
name = "nightly_audit__c"
title = "Nightly audit"
kind = "checksum_audit__c"
schedule = "monthly"
month_repeat_type = "dayOfTheMonth"
day_of_month = "last"
time = "02:30"
"""


@pytest.fixture
async def standard(system_vault: Vault) -> Vault:
    await seeding.apply(system_vault, seeding.load(catalog.standard()))
    return system_vault


async def apply(vault: Vault, folder: Path, text: str) -> Made:
    (folder / "here.txt").write_text("here")
    file = folder / "acme.toml"
    file.write_text(text, encoding="utf-8")
    return await seeding.apply(vault, seeding.load(file))


async def read(vault: Vault, content_id: int) -> bytes:
    return b"".join([piece async for piece in contents.read(vault, content_id)])


async def listed(vault: Vault) -> list[dict[str, object]]:
    found = await documents.list_documents(vault, DocumentQuery(versionscope="all"), Window(limit=200, offset=0))
    return [view.fields for view in found]


async def known(vault: Vault, external_id: str) -> int:
    found = await documents.find(vault, external_id=external_id, name="")
    assert found is not None
    return found


async def test_the_sample_is_made_once(standard: Vault) -> None:
    sample = seeding.load(catalog.sample())
    assert await seeding.apply(standard, sample) == Made(users=3, documents=13, staged=5)
    before = await listed(standard)
    assert len(before) == 15
    passwords_before = (standard.settings.data_dir / "users.txt").read_text()
    assert await seeding.apply(standard, sample) == Made()
    assert await listed(standard) == before
    assert (standard.settings.data_dir / "users.txt").read_text() == passwords_before


async def test_the_settings_say_what_is_made(system_vault: Vault, settings: Settings) -> None:
    assert await seeding.apply_settings(system_vault) == Made()
    assert "undefined__v" in (await document_types.catalog(system_vault)).types
    with_sample = replace(system_vault, settings=settings.model_copy(update={"seed": SAMPLE}))
    assert (await seeding.apply_settings(with_sample)).documents == 13
    assert await seeding.apply_settings(with_sample) == Made()


async def test_versions_have_their_numbers_states_fields_and_bytes(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    sop = await known(standard, "SOP-0001")
    assert (await documents.retrieve(standard, sop)).versions == [(0, 1), (0, 2), (1, 0)]
    states = []
    for major, minor in [(0, 1), (0, 2), (1, 0)]:
        view = await documents.retrieve_version(standard, sop, major, minor)
        states.append(view.fields["status__v"])
        source = await documents.source(standard, sop, (major, minor))
        assert source.filename == "Cleaning SOP.docx"
        assert await read(standard, source.content_id) == (FILES / f"cleaning-sop-{major}.{minor}.docx").read_bytes()
    assert states == ["Draft", "In Review", "Effective"]
    latest = (await documents.retrieve(standard, sop)).fields
    assert latest["effective_date__c"] == "2026-03-01"
    assert latest["title__v"] == "How filling line 3 is cleaned between two products"
    assert latest["type__v"] == "Procedure"
    assert "effective_date__c" not in (await documents.retrieve_version(standard, sop, 0, 2)).fields


async def test_renditions_belong_to_their_version(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    sop = await known(standard, "SOP-0001")
    viewable = await documents.rendition(standard, sop, "viewable_rendition__v")
    assert await read(standard, viewable.content_id) == (FILES / "cleaning-sop-1.0.pdf").read_bytes()
    with pytest.raises(InvalidData):
        await documents.rendition(standard, sop, "viewable_rendition__v", (0, 2))
    protocol = await known(standard, "VAL-0011")
    signed = await documents.rendition(standard, protocol, "imported_rendition__c")
    assert signed.format == "image/png"


async def test_a_placeholder_has_no_file_and_an_unclassified_document_is_in_the_inbox(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    placeholder = await known(standard, "VAL-0013")
    assert "filename__v" not in (await documents.retrieve(standard, placeholder)).fields
    note = await documents.find(standard, external_id=None, name="note.txt")
    assert note is not None
    fields = (await documents.retrieve(standard, note)).fields
    assert (fields["type__v"], fields["status__v"]) == ("Unclassified", "Inbox")


async def test_staged_files_lie_at_the_root_or_in_the_folder_of_their_user(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    tomas = await users.find(standard, "tomas@fernhill.example")
    assert tomas is not None
    paths = {item.path for item in (await file_staging.list_items(standard, recursive=True)).items}
    assert {"/Inbox", "/incoming/new-documents.csv", f"/u{tomas.id}/reports/temperature-chart.png"} <= paths
    own = (await file_staging.list_items(standard.as_user(tomas), recursive=True)).items
    assert [item.path for item in own] == ["/reports", "/reports/temperature-chart.png"]


async def test_the_staged_list_can_be_loaded(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    lines = (FILES / "new-documents.csv").read_text().splitlines()
    rows = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    results = await documents.create_many(standard, rows)
    assert [result.error for result in results] == [None] * 3


async def test_made_up_passwords_fit_and_only_the_owner_can_read_them(standard: Vault) -> None:
    await seeding.apply(standard, seeding.load(catalog.sample()))
    file = standard.settings.data_dir / "users.txt"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    kept = dict(line.split("\t") for line in file.read_text().splitlines())
    assert set(kept) == {"nora@fernhill.example", "tomas@fernhill.example", "ines@fernhill.example"}
    assert len(set(kept.values())) == 3
    for name, password in kept.items():
        async with standard.database.reading() as connection:
            found = await user_rows.by_name(connection, name)
        assert found is not None
        assert await passwords.verify(found[1], password)


async def test_a_password_of_the_seed_is_taken_and_not_written_down(standard: Vault, tmp_path: Path) -> None:
    assert await apply(standard, tmp_path, USER + "password = 'a long enough one'") == Made(users=1)
    async with standard.database.reading() as connection:
        found = await user_rows.by_name(connection, "NORA@acme.example")
    assert found is not None
    assert await passwords.verify(found[1], "a long enough one")
    assert not (tmp_path / "users.txt").exists()


async def test_a_seed_that_has_grown_makes_only_what_is_new(standard: Vault, tmp_path: Path) -> None:
    first = DOCUMENT + "versions = [{ file = 'here.txt' }]\n"
    assert await apply(standard, tmp_path, first) == Made(documents=1)
    more = (
        first + DOCUMENT.replace("Cleaning", "Calibration") + "[[file_staging]]\npath = 'in/a.txt'\nfile = 'here.txt'"
    )
    assert await apply(standard, tmp_path, more) == Made(documents=1, staged=1)
    assert {fields["name__v"] for fields in await listed(standard)} == {"Cleaning SOP", "Calibration SOP"}


@pytest.mark.parametrize(
    "more",
    [
        "external_id__v = ' SOP 1 '",
        "external_id__v = ' '",
        "versions = [{ fields = { name__v = 'First' } }, { number = '0.2', fields = { name__v = ' Last ' } }]",
    ],
)
async def test_a_document_is_known_again_by_what_is_kept_of_it(standard: Vault, tmp_path: Path, more: str) -> None:
    text = DOCUMENT.replace("Cleaning SOP", " Cleaning SOP ") + more
    assert await apply(standard, tmp_path, text) == Made(documents=1)
    assert await apply(standard, tmp_path, text) == Made()


async def test_what_a_user_has_changed_stays_as_it_is(standard: Vault, tmp_path: Path) -> None:
    text = "[[file_staging]]\npath = '/a.txt'\nfile = 'here.txt'"
    await apply(standard, tmp_path, text)
    other = await stored(standard, b"changed")
    await file_staging.create_file(standard, "/a.txt", other, overwrite=True)
    assert await apply(standard, tmp_path, text) == Made()
    item = await file_staging.open_file(standard, "/a.txt")
    assert item.content_id == other.id


async def test_fields_are_kept_by_their_type(standard: Vault, tmp_path: Path) -> None:
    fields = "{ copies__c = 2, confidential__c = false, product__c = ['A', 'B'], effective_date__c = 2026-03-01 }"
    await apply(standard, tmp_path, DOCUMENT + f"fields = {fields}")
    [kept] = await listed(standard)
    assert (kept["copies__c"], kept["confidential__c"], kept["product__c"]) == (2, False, ["A", "B"])
    assert kept["effective_date__c"] == "2026-03-01"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (DOCUMENT.replace("general__c", "letter__c"), "[[documents]] 1 (Cleaning SOP): [type__v] has a value"),
        (DOCUMENT.replace("General Lifecycle", "Inbox"), "[lifecycle__v] has a value that [general__c] does not allow"),
        (DOCUMENT + "versions = [{ status__v = 'Lost' }]", "[status__v] has a value that the lifecycle"),
        (
            DOCUMENT + "versions = [{ number = '0.1' }, { number = '0.2', status__v = 'Lost' }]",
            "[status__v] has a value",
        ),
        (DOCUMENT + "versions = [{ number = '0.0' }]", "The version 0.0 does not exist"),
        (DOCUMENT + "versions = [{ renditions = { other__c = 'here.txt' } }]", "[rendition_type] is not one of"),
        (DOCUMENT + "fields = { colour__c = 'red' }", "there is no document field [colour__c]."),
        (DOCUMENT + "fields = { size__v = 3 }", "[size__v] is kept by the Vault and cannot be given in fields."),
        (DOCUMENT + "fields = { copies__c = 'two' }", "[copies__c] is a field of type Number and cannot be [two]."),
        (DOCUMENT + "fields = { copies__c = true }", "[copies__c] is a field of type Number and cannot be [True]."),
        (DOCUMENT + "fields = { effective_date__c = 2026-03-01T12:00:00Z }", "is a field of type Date and cannot be"),
        (DOCUMENT + "fields = { title__v = ['a'] }", "[title__v] must not be a list."),
        (DOCUMENT + "fields = { product__c = 'a' }", "[product__c] must be a list."),
        (DOCUMENT + "fields = { department__c = 'sales__c' }", "[department__c] cannot be [sales__c]; its values are"),
        ("[[file_staging]]\npath = 'a'\nuser_name__v = 'nobody'", "[[file_staging]] 1 (a): there is no user [nobody]."),
        (USER + "security_profile__v = 'king__v'", "[[users]] 1 (nora@acme.example): [security_profile__v] is not"),
        (
            "[[document_types]]\nname = 'a__c'\nlabel = 'A'\nlifecycles = ['gone__c']",
            "[[document_types]]: [a__c] names a lifecycle that does not exist: [gone__c].",
        ),
    ],
)
async def test_a_refusal_names_its_place_and_leaves_nothing(
    standard: Vault, tmp_path: Path, text: str, expected: str
) -> None:
    before = await document_types.catalog(standard)
    with pytest.raises(SeedError) as caught:
        await apply(standard, tmp_path, text)
    assert expected in caught.value.message
    assert caught.value.message.startswith(f"Seed file {tmp_path / 'acme.toml'}, [[")
    assert await listed(standard) == []
    assert await document_types.catalog(standard) == before


async def stored(vault: Vault, data: bytes) -> Content:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return await contents.store(vault, pieces())


async def test_job_definitions_are_made_before_any_worker_has_told_of_their_code(
    standard: Vault, tmp_path: Path
) -> None:
    text = USER + DEFINITION + "owner = 'nora@acme.example'\nparameters = { depth = 3 }\ntimezone = 'Europe/Oslo'"
    for _ in range(2):
        await apply(standard, tmp_path, text)
    (planned,) = (await job_definitions.list_definitions(standard, Window())).rows
    nora = await users.find(standard, "nora@acme.example")
    assert nora is not None
    definition = planned.definition
    assert (definition.owner, definition.parameters, definition.system) == (nora.id, {"depth": 3}, False)
    assert definition.schedule.to_data()["day_of_month"] == "last"
    assert planned.job is not None
    assert (planned.job.created_by, planned.job.title) == (nora.id, "Nightly audit")
    # What an admin has changed stays as it is.
    await job_definitions.update(standard, definition.id, Changes(title="Audit", active=False))
    await apply(standard, tmp_path, text)
    (planned,) = (await job_definitions.list_definitions(standard, Window())).rows
    assert (planned.definition.title, planned.job) == ("Audit", None)


async def test_a_job_definition_of_nobody_is_refused(standard: Vault, tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"\[\[job_definitions\]\] 1 \(nightly_audit__c\): there is no user \[olaf\]"):
        await apply(standard, tmp_path, DEFINITION + "owner = 'olaf'")
    assert (await job_definitions.list_definitions(standard, Window())).total == 0
