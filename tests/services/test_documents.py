import hashlib

import pytest
from tests.services.documents import GENERAL, bytes_of, document, file_of

from strongroom.domain.errors import (
    InsufficientAccess,
    InvalidData,
    InvalidFilter,
    OperationNotAllowed,
    ParameterRequired,
)
from strongroom.domain.page import Window
from strongroom.domain.user import User
from strongroom.services import contents, documents, file_staging
from strongroom.services.documents import DocumentQuery, NewDocument
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio

ALL = Window(200)


def somebody(vault: Vault, user_id: int = 777, profile: str = "document_user__v") -> Vault:
    return vault.as_user(User(user_id, "x@y", "X", "Y", "x@y", security_profile=profile))


async def test_a_document_begins_as_version_0_1_with_the_fields_of_the_api(vault: Vault) -> None:
    made = await document(
        vault, "Cleaning SOP", b"mop", "Cleaning SOP.docx", title__v="How to clean", subtype__v="Report"
    )
    view = await documents.retrieve(vault, made)
    assert view.versions == [(0, 1)]
    assert None not in view.fields.values()
    expected = {
        "id": made,
        "version_id": f"{made}_0_1",
        "name__v": "Cleaning SOP",
        "title__v": "How to clean",
        "type__v": "General",
        "subtype__v": "Report",
        "lifecycle__v": "General Lifecycle",
        "status__v": "Draft",
        "major_version_number__v": 0,
        "minor_version_number__v": 1,
        "filename__v": "Cleaning SOP.docx",
        "format__v": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "size__v": 3,
        "md5checksum__v": hashlib.md5(b"mop", usedforsecurity=False).hexdigest(),
        "binder__v": False,
        "created_by__v": vault.user.id,
    }
    assert {name: view.fields.get(name) for name in expected} == expected


async def test_a_document_without_file_is_a_placeholder_which_a_file_fills(vault: Vault) -> None:
    made = await document(vault, "Later", None)
    assert "filename__v" not in (await documents.retrieve(vault, made)).fields
    with pytest.raises(InvalidData, match="placeholder"):
        await documents.source(vault, made)
    file = await file_of(vault, b"now", "now.txt")
    assert await documents.add_version(vault, made, draft=None, file=file) == (0, 1)
    assert await bytes_of(vault, (await documents.source(vault, made)).content_id) == b"now"
    with pytest.raises(OperationNotAllowed, match="createDraft"):
        await documents.add_version(vault, made, draft=None, file=file)


async def test_new_drafts_raise_the_minor_number_and_keep_the_old_version(vault: Vault) -> None:
    made = await document(vault, "Twice", b"one", "one.txt")
    await documents.add_rendition(vault, made, "viewable_rendition__v", await file_of(vault, b"pdf", "one.pdf"))
    file = await file_of(vault, b"two", "two.txt")
    assert await documents.add_version(vault, made, draft="uploadedContent", file=file) == (0, 2)
    assert await documents.add_version(vault, made, draft="latestContent", description="again") == (0, 3)
    view = await documents.retrieve(vault, made)
    assert view.versions == [(0, 1), (0, 2), (0, 3)]
    assert view.fields["filename__v"] == "two.txt"
    assert view.fields["description__v"] == "again"
    first = await documents.retrieve_version(vault, made, 0, 1)
    assert (first.fields["filename__v"], first.fields["latest_version__v"]) == ("one.txt", False)
    assert (first.versions, first.renditions) == ([(0, 1)], ["viewable_rendition__v"])
    assert await bytes_of(vault, (await documents.source(vault, made, (0, 1))).content_id) == b"one"


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"name__v": ""}, ParameterRequired, "name__v"),
        ({"type__v": ""}, ParameterRequired, "type__v"),
        ({"lifecycle__v": ""}, ParameterRequired, "lifecycle__v"),
        ({"type__v": "Nonsense"}, InvalidData, r"type__v.*\[Nonsense\]"),
        ({"subtype__v": "Nonsense"}, InvalidData, r"subtype__v.*general__c.*\[Nonsense\]"),
        ({"lifecycle__v": "Unclassified"}, InvalidData, r"lifecycle__v.*\[Unclassified\]"),
        ({"name__v": "n" * 101}, InvalidData, "101 characters"),
        ({"fromTemplate": "t"}, InvalidData, "template"),
    ],
)
async def test_fields_that_are_refused(
    vault: Vault, fields: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        await documents.create(vault, NewDocument({"name__v": "N"} | GENERAL | fields))
    assert await documents.list_documents(vault, DocumentQuery(), Window(200)) == []


async def test_unclassified_documents_take_their_name_from_the_file_and_nothing_else(vault: Vault) -> None:
    file = await file_of(vault, b"x", "C:\\scans\\scan 1.png")
    made = await documents.create(
        vault, NewDocument({"type__v": "Unclassified", "lifecycle__v": "Inbox", "title__v": "T"}, file)
    )
    fields = (await documents.retrieve(vault, made)).fields
    assert (fields["name__v"], fields["type__v"], fields["format__v"]) == ("scan 1.png", "Unclassified", "image/png")
    assert "title__v" not in fields


async def test_many_are_created_in_the_order_of_the_rows_each_with_its_own_fate(vault: Vault) -> None:
    staged = await file_of(vault, b"staged bytes", "a.txt")
    content = await contents.retrieve(vault, staged.content_id)
    await file_staging.create_file(vault, "/u1/a.txt", content)
    taken = await document(vault, "Taken", external_id__v="E-1")
    rows = [
        {"name__v": "First", "file": "u1/a.txt", "external_id__v": "E-2"} | GENERAL,
        {"name__v": "Second", "file": "/u1/missing.txt"} | GENERAL,
        {"name__v": "", "file": ""} | GENERAL,
        {"name__v": "Fourth", "file": ""} | GENERAL,
        {"name__v": "Fifth", "external_id__v": "E-1"} | GENERAL,
        {"name__v": "Sixth", "external_id__v": "E-2"} | GENERAL,
    ]
    results = await documents.create_many(vault, rows)
    assert [result.error is None for result in results] == [True, False, False, True, False, False]
    assert results[0].external_id == "E-2"
    assert "missing.txt" in str(results[1].error)
    assert "name__v" in str(results[2].error)
    assert "[E-1]" in str(results[4].error)
    assert results[0].id is not None
    assert taken < results[0].id < (results[3].id or 0)
    assert (await documents.source(vault, results[0].id)).content_id == staged.content_id


async def test_501_rows_are_refused_and_500_are_not(vault: Vault) -> None:
    row = {"name__v": "N"} | GENERAL
    with pytest.raises(InvalidData, match="501"):
        await documents.create_many(vault, [row] * 501)
    results = await documents.create_many(vault, [row] * 500)
    assert all(result.error is None for result in results)
    ids = [result.id for result in results]
    assert ids == sorted(set(ids), key=lambda each: each or 0)


async def test_migration_mode_takes_status_and_version_number(vault: Vault) -> None:
    fields = {"name__v": "M", "status__v": "Approved", "major_version_number__v": "3", "minor_version_number__v": "0"}
    made = await documents.create(vault, NewDocument(fields | GENERAL, migration=True))
    view = await documents.retrieve(vault, made)
    assert (view.versions, view.fields["status__v"]) == ([(3, 0)], "Approved")
    plain = await documents.create(vault, NewDocument(fields | GENERAL))
    assert (await documents.retrieve(vault, plain)).versions == [(0, 1)]
    for wrong in ({"minor_version_number__v": ""}, {"major_version_number__v": "9" * 40}, {"status__v": "Nonsense"}):
        with pytest.raises((InvalidData, ParameterRequired)):
            await documents.create(vault, NewDocument(fields | GENERAL | wrong, migration=True))


async def test_lists_are_sorted_searched_and_cut_into_pages(vault: Vault) -> None:
    ids = [await document(vault, name, None) for name in ("beta", "alpha", "100% sure")]
    await documents.add_version(vault, ids[0], draft="uploadedContent", file=await file_of(vault, b"b", "b"))

    async def names(query: DocumentQuery, window: Window = ALL) -> list[str]:
        return [view.fields["name__v"] for view in await documents.list_documents(vault, query, window)]

    assert await names(DocumentQuery()) == ["beta", "alpha", "100% sure"]
    assert await names(DocumentQuery(sort="name__v DESC")) == ["beta", "alpha", "100% sure"]
    assert await names(DocumentQuery(sort="name__v")) == ["100% sure", "alpha", "beta"]
    assert await names(DocumentQuery(), Window(1, 1)) == ["alpha"]
    assert await names(DocumentQuery(search="%")) == ["100% sure"]
    assert await names(DocumentQuery(versionscope="all")) == ["beta", "beta", "alpha", "100% sure"]
    assert await names(DocumentQuery(named_filter="My Documents")) == ["beta", "alpha", "100% sure"]
    assert await names(DocumentQuery(named_filter="Cart")) == []
    with pytest.raises(InvalidFilter):
        await names(DocumentQuery(named_filter="Yours"))
    with pytest.raises(InvalidData, match="sort"):
        await names(DocumentQuery(sort="password DESC"))


async def test_deleting_versions_moves_the_latest_back_and_ends_with_the_document(vault: Vault) -> None:
    made = await document(vault, "Short-lived", b"1")
    await documents.add_version(vault, made, draft="uploadedContent", file=await file_of(vault, b"2", "2.txt"))
    await documents.delete_version(vault, made, 0, 2)
    assert (await documents.retrieve(vault, made)).fields["minor_version_number__v"] == 1
    with pytest.raises(InvalidData, match=r"0\.2"):
        await documents.delete_version(vault, made, 0, 2)
    await documents.delete_version(vault, made, 0, 1)
    with pytest.raises(InvalidData, match=f"{made}"):
        await documents.retrieve(vault, made)


async def test_many_are_deleted_by_id_or_external_id(vault: Vault) -> None:
    one, two = await document(vault, "1", external_id__v="X-1"), await document(vault, "2")
    results = await documents.delete_many(vault, [{"id": str(two)}, {"id": two}, {"id": "9" * 40}, {"id": ""}])
    assert [result.id for result in results] == [two, None, None, None]
    by_external = await documents.delete_many(
        vault, [{"external_id__v": "X-1"}, {"external_id__v": "X-9"}], id_param="external_id__v"
    )
    assert [result.id for result in by_external] == [one, None]


async def test_renditions_are_one_of_each_allowed_type(vault: Vault) -> None:
    made = await document(vault, "R")
    first, second = await file_of(vault, b"1", "1.pdf"), await file_of(vault, b"2", "2.pdf")
    await documents.add_rendition(vault, made, "viewable_rendition__v", first)
    with pytest.raises(InvalidData, match="already"):
        await documents.add_rendition(vault, made, "viewable_rendition__v", first)
    with pytest.raises(InvalidData, match=r"\[nonsense__c\]"):
        await documents.add_rendition(vault, made, "nonsense__c", first)
    await documents.replace_rendition(vault, made, "viewable_rendition__v", second)
    assert (await documents.rendition(vault, made, "viewable_rendition__v")).filename == "2.pdf"
    types, present = await documents.rendition_types(vault, made)
    assert present == ["viewable_rendition__v"]
    assert "imported_rendition__c" in types
    await documents.delete_rendition(vault, made, "viewable_rendition__v")
    with pytest.raises(InvalidData, match="no rendition"):
        await documents.rendition(vault, made, "viewable_rendition__v")


async def test_readers_change_nothing_and_others_delete_only_their_own(vault: Vault) -> None:
    made = await document(vault, "Admin's")
    reader, other = somebody(vault, profile="read_only_user__v"), somebody(vault)
    with pytest.raises(InsufficientAccess):
        await document(reader, "No")
    with pytest.raises(InsufficientAccess):
        await documents.delete(reader, made)
    with pytest.raises(InsufficientAccess):
        await documents.delete(other, made)
    assert (await documents.retrieve(reader, made)).id == made
    own = await document(other, "Own")
    await documents.delete(other, own)
    await documents.delete(vault, made)
