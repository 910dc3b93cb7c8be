"""What the XML of a reply must be, made from its JSON by another way than the server's: a tree of elements."""

import re
from typing import Any
from xml.etree import ElementTree as ET

ONE_OF = {"errors": "error", "links": "link", "jobs": "job", "tasks": "task", "versions": "version", "types": "type", "properties": "property",
          "renditionTypes": "renditionType", "subtypes": "subtype", "classifications": "classification", "lifecycles": "lifecycle"}  # fmt: skip
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def of_json(root: str, body: dict[str, Any]) -> str:
    """The XML of a body."""
    element = ET.Element(root)
    _fill(element, body)
    # ElementTree writes a bare CR, which a parser would read as LF.
    return ET.tostring(element, encoding="unicode").replace("\r", "&#13;")


def as_text(value: Any) -> list[str]:
    """The texts of all leaves in their order; an empty list or object is an empty leaf."""
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return [text for each in inner for text in as_text(each)] or [""]
    return [_written(value)]


def _fill(element: ET.Element, value: Any) -> None:
    if isinstance(value, dict):
        for key, each in value.items():
            _fill(ET.SubElement(element, key), each)
    elif isinstance(value, list):
        for each in value:
            one = isinstance(each, dict) and len(each) == 1 and isinstance(next(iter(each.values())), dict)
            _fill(element if one else ET.SubElement(element, ONE_OF.get(element.tag, element.tag)), each)
    else:
        element.text = _written(value)


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else _NO_XML.sub("\ufffd", str(value))
