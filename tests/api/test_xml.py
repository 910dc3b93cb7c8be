"""XML keeps every text that it can hold, and is well-formed whatever the keys and values are."""

from xml.etree import ElementTree as ET

import pytest

from strongroom.api import xml


@pytest.mark.parametrize("text", ["a\rb", "\r\n", "\n", "\t", " ", "<&>]]>", "\u0085\u2028", "\U0001f600"])
def test_text_comes_back(text: str) -> None:
    assert ET.fromstring(xml.write("ApiRestResult", {"name__v": text})).findtext("name__v") == text


@pytest.mark.parametrize("text", ["\0", "\x1b", "\ufffe", "\ud800"])
def test_what_xml_cannot_hold_is_replaced(text: str) -> None:
    assert ET.fromstring(xml.write("ApiRestResult", {"name__v": text})).findtext("name__v") == "\ufffd"


@pytest.mark.parametrize("key", ["", "1", "a b", "<", "\u00aa", "x\u00b2", "\u0663", "-"])
def test_a_key_that_is_no_name_becomes_one(key: str) -> None:
    assert len(ET.fromstring(xml.write("ApiRestResult", {key: "a"}))) == 1
