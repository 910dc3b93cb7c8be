"""Seed files: what is read, and that every mistake is named with its file, table and key."""

from datetime import date
from pathlib import Path

import pytest

from strongroom import catalog
from strongroom.domain.seed import SeedError
from strongroom.services.seeding import load

USER = """
user_first_name__v = "Nora"
user_last_name__v = "Lind"
user_email__v = "nora@acme.example"
"""
DOCUMENT = """
[[documents]]
name__v = "Cleaning SOP"
type__v = "Procedure"
lifecycle__v = "Draft to Effective"
"""
FIELD = """
[[document_fields]]
name = "colour__c"
label = "Colour"
"""
JOB = """
[[job_definitions]]
name = "a__c"
title = "A"
kind = "b__c"
"""
LIFECYCLE = """
[[document_lifecycles]]
name = "short__c"
label = "Short"
"""


def seed_file(tmp_path: Path, text: str) -> Path:
    (tmp_path / "here.txt").write_text("here")
    path = tmp_path / "acme.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(SeedError) as caught:
        load(seed_file(tmp_path, text))
    return caught.value.message


def test_the_standard_vault_has_what_unclassified_documents_need() -> None:
    seed = load(catalog.standard())
    unclassified = next(each for each in seed.document_types if each.name == "undefined__v")
    assert unclassified.lifecycles == ("unclassified__v",)
    assert {each.name for each in seed.rendition_types} == {"viewable_rendition__v", "imported_rendition__c"}
    assert not seed.users
    required = {each.name for each in seed.document_fields if each.required}
    assert required == {"name__v", "type__v", "lifecycle__v"}


def test_all_that_the_catalog_refers_to_is_in_it() -> None:
    standard, sample = load(catalog.standard()), load(catalog.sample())
    lifecycles = {each.name for each in (*standard.document_lifecycles, *sample.document_lifecycles)}
    renditions = {each.name for each in standard.rendition_types}
    types = (*standard.document_types, *sample.document_types)
    assert {name for each in types for name in each.lifecycles} <= lifecycles
    assert {name for each in types for name in each.renditions} <= renditions
    fields = {each.name for each in standard.document_fields}
    labels = {each.label for each in types}
    for document in sample.documents:
        assert document.type__v in labels
        assert set(document.fields) <= fields
        for version in document.versions:
            assert set(version.fields) <= fields
            assert set(version.renditions) <= renditions


def test_the_sample_has_versions_renditions_a_placeholder_and_no_passwords() -> None:
    sample = load(catalog.sample())
    by_id = {document.identity: document for document in sample.documents}
    assert [version.number for version in by_id["SOP-0001"].versions] == ["0.1", "0.2", "1.0"]
    assert by_id["SOP-0001"].versions[2].fields["effective_date__c"] == date(2026, 3, 1)
    assert by_id["SOP-0001"].versions[2].renditions["viewable_rendition__v"].name == "cleaning-sop-1.0.pdf"
    assert [version.file for version in by_id["VAL-0013"].versions] == [None]
    assert all(user.password is None for user in sample.users)
    assert {user.security_profile__v for user in sample.users} == {
        "vault_owner__v",
        "document_user__v",
        "read_only_user__v",
    }


def test_every_sample_file_is_used_and_none_is_missing() -> None:
    sample = load(catalog.sample())
    versions = [version for document in sample.documents for version in document.versions]
    used = {file for version in versions for file in (version.file, *version.renditions.values()) if file}
    used |= {item.file for item in sample.file_staging if item.file}
    assert used == set((catalog.sample().parent / "files").iterdir())


def test_files_are_seen_from_the_folder_of_the_seed_or_absolute(tmp_path: Path) -> None:
    text = DOCUMENT + f"versions = [{{ file = 'here.txt' }}, {{ number = '0.2', file = '{tmp_path / 'here.txt'}' }}]"
    [document] = load(seed_file(tmp_path, text)).documents
    assert [version.file for version in document.versions] == [tmp_path / "here.txt"] * 2
    assert [version.key for version in document.versions] == [(0, 1), (0, 2)]


def test_an_empty_seed_is_a_seed(tmp_path: Path) -> None:
    seed = load(seed_file(tmp_path, ""))
    assert (seed.users, seed.documents, seed.file_staging) == ((), (), ())


def test_a_relative_file_may_not_leave_the_folder_of_the_seed(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret.txt").write_text("x")
    (tmp_path / "inner" / "link.txt").symlink_to(tmp_path / "secret.txt")
    for name in ("../secret.txt", "link.txt"):
        message = refusal(tmp_path / "inner", DOCUMENT + f"versions = [{{ file = '{name}' }}]")
        assert f"key file: the file [{name}] is outside the seed file's folder" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = ", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("a = " + "9" * 5000, "is not TOML"),
        ("users = 3", "key users: expected a list, not a whole number."),
        ("colours = 1", "acme.toml: there is no key [colours]."),
        ("source = '/etc/passwd'", "acme.toml: there is no key [source]."),
        ("[[users]]\nuser_name__v = 'n'", "[[users]] 1 (n): the key [user_first_name__v] is missing."),
        ("[[users]]\nuser_name__v = 5" + USER, "[[users]] 1, key user_name__v: expected a text, not a whole number."),
        ("[[users]]\nuser_name__v = 'n'\ncolour = 1" + USER, "[[users]] 1 (n): there is no key [colour]."),
        ("[[users]]\nuser_name__v = ' '" + USER, "[[users]] 1 ( ): user_name__v is empty."),
        ("[[users]]\nuser_name__v = 'n'\npassword = ''" + USER, "[[users]] 1 (n): password is empty"),
        (
            "[[users]]\nuser_name__v = 'n'\nactive__v = 'yes'" + USER,
            "[[users]] 1 (n), key active__v: expected a boolean, not a text.",
        ),
        (
            "[[users]]\nuser_name__v = 'n'\nuser_timezone__v = 'Oslo'" + USER,
            "[[users]] 1 (n): there is no time zone [Oslo].",
        ),
        (f"[[users]]\nuser_name__v='n'{USER}[[users]]\nuser_name__v='N'{USER}", "user [n] is there 2 times."),
        (FIELD + "type = 'Text'", "[[document_fields]] 1 (colour__c): type [Text] is none of String"),
        (FIELD + "type = 'Picklist'", "[[document_fields]] 1 (colour__c): values belong to a Picklist"),
        (
            FIELD + "type = 'Picklist'\nvalues = [{ name = 'Red', label = 'Red' }]",
            "[[document_fields]] 1 (colour__c), values 1 (Red): [Red] is not a name",
        ),
        (FIELD + "type = 'Number'\nsystem = true", "a system field cannot be editable."),
        (LIFECYCLE + "states = [{ name = 'a__c', label = 'A' }]", "exactly one state must have initial = true, not 0."),
        (
            LIFECYCLE + "states = [{ name = 'a__c', label = 'A', initial = 1 }]",
            "[[document_lifecycles]] 1 (short__c), states 1 (a__c), key initial: expected a boolean, not a whole number.",
        ),
        ("[[document_types]]\nname = 'a__c'\nlabel = 'A'\nlifecycles = []", "lifecycles must name at least one."),
        (
            "[[document_types]]\nname='a__c'\nlabel='A'\nlifecycles=['b__c']\nsubtypes=[{name='a__c', label='B'}]",
            "document type [a__c] is there 2 times.",
        ),
        (DOCUMENT + DOCUMENT, "document [Cleaning SOP] is there 2 times."),
        (DOCUMENT + "classification__v = 'Cleaning'", "[[documents]] 1 (Cleaning SOP): classification__v needs a"),
        (DOCUMENT + "fields = { title__v = [1] }", "the value of [title__v] is not a text, number"),
        (DOCUMENT + "versions = []", "versions is empty; leave the key out for a placeholder."),
        (DOCUMENT + "versions = [{ number = '1' }]", "versions 1 (1): number [1] is not like 0.1 or 1.0."),
        (DOCUMENT + "versions = [{ number = '1.0' }, { number = '0.1' }]", "versions must be in rising order"),
        (DOCUMENT + "versions = [{ filename__v = 'a.txt' }]", "filename__v is given without a file."),
        (DOCUMENT + "fields = { name__v = 'B' }", "[name__v] is a key of the document and cannot be given in fields."),
        (DOCUMENT + "versions = [{ fields = { external_id__v = 'B' } }]", "[external_id__v] is a key of the document"),
        (DOCUMENT + "versions = [{ file = 'gone.txt' }]", "versions 1, key file: there is no file ["),
        (DOCUMENT + "versions = [{ file = 3 }]", "versions 1, key file: expected the name of a file, not [3]."),
        (
            DOCUMENT + "versions = [{ renditions = { viewable_rendition__v = 'gone.pdf' } }]",
            "[[documents]] 1 (Cleaning SOP), versions 1, key renditions: there is no file [",
        ),
        (JOB + "schedule = 'yearly'", "[[job_definitions]] 1 (a__c): Invalid value [yearly]"),
        (JOB + "schedule = 'daily'\ntime = '24:00'", "[[job_definitions]] 1 (a__c): Invalid value [24:00]"),
        (JOB + "schedule = 'daily'\nweek_day = 'Mon'", "[week_day]"),
        (JOB + "schedule = 'daily'\ntimezone = 'Oslo'", "[[job_definitions]] 1 (a__c): there is no time zone [Oslo]."),
        (JOB, "[[job_definitions]] 1 (a__c): the key [schedule] is missing."),
        (JOB + "schedule='daily'" + JOB + "schedule='daily'", "job definition [a__c] is there 2 times."),
        ("[[file_staging]]\npath = '/'", "[[file_staging]] 1 (/): path is empty."),
        ("[[file_staging]]\npath = 'a/../b'", "[[file_staging]] 1 (a/../b): path [a/../b] must not contain . or ..."),
        ("[[file_staging]]\npath='/a'\n[[file_staging]]\npath='a/'", "staged path [:a] is there 2 times."),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, expected: str) -> None:
    message = refusal(tmp_path, text)
    assert expected in message
    assert str(tmp_path / "acme.toml") in message


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(SeedError, match=r"gone\.toml cannot be read: No such file"):
        load(tmp_path / "gone.toml")
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(SeedError, match="is not UTF-8: byte 6 is wrong"):
        load(tmp_path / "latin.toml")
