"""Values of document fields: what a client writes becomes what is kept, by the type of the field."""

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from strongroom.domain.dates import written as as_written
from strongroom.domain.document_type import DocumentField
from strongroom.domain.errors import InvalidData

_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,20})?([eE][+-]?[0-9]{1,2})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_WHOLE = re.compile(r"[+-]?[0-9]+")
_BOOLEANS = {"true": True, "false": False}


def kept(field: DocumentField, given: Any) -> Any:
    """The value of a field as it is kept: text, number, boolean, a date as text, or a list; None for no value.

    Values of fields that repeat may come as one text with commas between them.
    """
    if field.repeating:
        each = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else [given]
        values = [_one(field, value.strip() if isinstance(value, str) else value) for value in each]
        return [value for value in values if value is not None] or None
    return _one(field, given)


def shown_value(field: DocumentField | None, value: Any) -> Any:
    """A kept value as the API shows it: picks from a list by their labels, in a list."""
    if field is None or field.type != "Picklist":
        return value
    labels = dict(field.values)
    return [labels.get(each, each) for each in (value if isinstance(value, list) else [value])]


def plain(name: str, given: Any, longest: int | None = None) -> str:
    """A text that the database can hold, of at most ``longest`` characters; refused otherwise."""
    text = str(given)
    if "\0" in text:
        raise InvalidData(f"The value of [{name}] holds a NUL character.")
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidData(f"The value of [{name}] is not valid Unicode.")
    if longest is not None and len(text) > longest:
        raise InvalidData(f"[{name}] has {len(text)} characters; {longest} are the most: [{text[:60]}...].")
    return text


def one_line(name: str, given: Any, longest: int) -> str:
    """A name: a text without spaces around it and without control characters."""
    text = plain(name, given, longest).strip()
    if _CONTROL.search(text):
        raise InvalidData(f"[{name}] has a control character, which is not allowed: [{_CONTROL.sub('?', text)[:60]}].")
    return text


def _one(field: DocumentField, given: Any) -> Any:
    if given is None or given == "":
        return None
    if isinstance(given, list | dict):
        raise InvalidData(f"[{field.name}] takes one value, not [{str(given)[:60]}].")
    text = plain(field.name, given)
    parse = _PARSERS.get(field.type)
    return parse(field, text) if parse else text


def _number(field: DocumentField, text: str) -> int | float:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise _wrong(field, text, "a number")
    return int(text) if _WHOLE.fullmatch(text) else float(text)


def _boolean(field: DocumentField, text: str) -> bool:
    value = _BOOLEANS.get(text.strip().lower())
    if value is None:
        raise _wrong(field, text, "true or false")
    return value


def _date(field: DocumentField, text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise _wrong(field, text, "a date like 2026-03-01") from None


def _moment(field: DocumentField, text: str) -> str:
    problem = _wrong(field, text, "a date-time like 2026-03-01T12:00:00.000Z")
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            raise problem
        return as_written(moment)
    except (ValueError, OverflowError):
        raise problem from None


def _picked(field: DocumentField, text: str) -> str:
    for name, label in field.values:
        if text.strip() == name or text.strip().lower() == label.lower():
            return name
    values = ", ".join(label for _, label in field.values)
    raise InvalidData(f"[{field.name}] cannot be [{text[:60]}]; its values are {values}.")


def _wrong(field: DocumentField, text: str, expected: str) -> InvalidData:
    return InvalidData(f"[{field.name}] must be {expected}: [{text[:60]}].")


_PARSERS: dict[str, Callable[[DocumentField, str], Any]] = {
    "Number": _number,
    "Boolean": _boolean,
    "Date": _date,
    "DateTime": _moment,
    "Picklist": _picked,
}
