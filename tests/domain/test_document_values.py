"""Values of document fields: what is kept of what a client writes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strongroom.domain.document_type import DocumentField
from strongroom.domain.document_values import kept, plain, shown_value
from strongroom.domain.errors import InvalidData

PICKS = (("quality__c", "Quality"), ("production__c", "Production"))


def field(kind: str, *, repeating: bool = False) -> DocumentField:
    return DocumentField("x__c", "X", kind, repeating=repeating, values=PICKS if kind == "Picklist" else ())


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("String", " as it is ", " as it is "),
        ("String", 5, "5"),
        ("LongText", "a\nb", "a\nb"),
        ("ObjectReference", "00P000000000101", "00P000000000101"),
        ("Number", "12", 12),
        ("Number", " -3.50 ", -3.5),
        ("Number", 2, 2),
        ("Number", 2.5, 2.5),
        ("Number", 1e20, 1e20),
        ("Boolean", "TRUE", True),
        ("Boolean", "False", False),
        ("Boolean", True, True),
        ("Date", "2026-03-01", "2026-03-01"),
        ("DateTime", "2026-03-01T12:00:00+02:00", "2026-03-01T10:00:00.000Z"),
        ("DateTime", "2026-03-01T12:00:00.123Z", "2026-03-01T12:00:00.123Z"),
        ("Picklist", "quality__c", "quality__c"),
        ("Picklist", "quality", "quality__c"),
        ("String", "", None),
        ("Number", "", None),
        ("Number", None, None),
    ],
)
def test_values_by_type(kind: str, given: Any, value: Any) -> None:
    assert kept(field(kind), given) == value
    assert type(kept(field(kind), given)) is type(value)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("Number", "twelve"),
        ("Number", "9" * 5000),
        ("Number", "nan"),
        ("Number", float("inf")),
        ("Number", True),
        ("Number", "١٢"),
        ("Boolean", "yes"),
        ("Boolean", 1),
        ("Date", "2026-02-30"),
        ("Date", "tomorrow"),
        ("DateTime", "2026-03-01T12:00:00"),
        ("DateTime", "0001-01-01T00:00:00+14:00"),
        ("DateTime", "noon"),
        ("Picklist", "Sales"),
        ("String", "a\0b"),
        ("String", "\ud800"),
        ("String", ["a"]),
        ("String", {"a": "b"}),
    ],
)
def test_values_that_are_refused_name_the_field(kind: str, given: Any) -> None:
    with pytest.raises(InvalidData, match=r"\[x__c\]") as refused:
        kept(field(kind), given)
    refused.value.message.encode()


def test_fields_that_repeat_take_a_list_or_text_with_commas() -> None:
    assert kept(field("String", repeating=True), "a, b ,,c") == ["a", "b", "c"]
    assert kept(field("String", repeating=True), ["a, b", "c"]) == ["a, b", "c"]
    assert kept(field("String", repeating=True), " , ") is None
    assert kept(field("Picklist", repeating=True), "Quality,production__c") == ["quality__c", "production__c"]
    with pytest.raises(InvalidData, match=r"\[b\]"):
        kept(field("Number", repeating=True), "1,b")


def test_picks_are_shown_by_their_labels() -> None:
    assert shown_value(field("Picklist"), "quality__c") == ["Quality"]
    assert shown_value(field("Picklist", repeating=True), ["quality__c", "gone__c"]) == ["Quality", "gone__c"]
    assert shown_value(field("Number"), 5) == 5
    assert shown_value(None, "of a field that is gone") == "of a field that is gone"


def test_a_text_may_be_just_so_long() -> None:
    assert plain("name__v", "n" * 100, 100) == "n" * 100
    with pytest.raises(InvalidData, match="101 characters"):
        plain("name__v", "n" * 101, 100)


@given(st.sampled_from(["String", "Number", "Boolean", "Date", "DateTime", "Picklist"]), st.text())
def test_whatever_is_written_is_kept_or_refused(kind: str, written: str) -> None:
    try:
        value = kept(field(kind), written)
    except InvalidData as error:
        error.message.encode()
        return
    # What is kept can be sent back and means the same.
    assert value is None or kept(field(kind), value) == value
