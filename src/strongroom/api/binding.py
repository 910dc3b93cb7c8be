"""Fits the values of a request into the type that a call declares for its input."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, NoReturn, TypeVar

import msgspec

from strongroom.domain.errors import InvalidData, ParameterRequired

Input = TypeVar("Input")
Id = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""An id, or any number that the database keeps as a 32-bit integer."""
Limit = Annotated[int, msgspec.Meta(ge=1, le=200)]
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]

_MISSING = re.compile(r"missing required field `([^`]+)`")
_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_STEP = re.compile(r"[^.\[\]]+")


def bind(kind: type[Input], values: Mapping[str, Any]) -> Input:
    """Make the input of a call. Text becomes numbers and booleans; empty text is absent; unknown fields are ignored.

    Raises ``ParameterRequired`` for what is missing and ``InvalidData``, with field and value, for what does not fit.
    """
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        _refuse(str(error), given)


def _refuse(complaint: str, given: Mapping[str, Any]) -> NoReturn:
    place = _PLACE.search(complaint)
    path = place[1] if place else ""
    if missing := _MISSING.search(complaint):
        raise ParameterRequired(f"Missing required parameter [{missing[1]}]{_where(path)}")
    reason = _PLACE.sub("", complaint).replace("`", "")
    raise InvalidData(
        f"Invalid value [{_shown(_value_at(given, path))}] specified for parameter [{path}]: {_plain(reason)}."
    )


def _where(path: str) -> str:
    """Say which row lacks the parameter; the rows of a body count from 1."""
    row = re.search(r"\[(\d+)\]", path)
    return f" in row {int(row[1]) + 1}" if row else ""


def _value_at(given: Any, path: str) -> Any:
    for step in _STEP.findall(path):
        try:
            given = given[int(step)] if isinstance(given, list) else given[step]
        except (LookupError, ValueError, TypeError):
            return given
    return given


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return text if len(text) <= 100 else f"{text[:100]}..."


def _plain(reason: str) -> str:
    """Put msgspec's reason into the words of the API."""
    words = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "text"}
    if expected := re.match(r"Expected (bool|int|float|str)\b(?: \| null)?(.*)", reason):
        bound = re.match(r" (>=|<=) (-?\d+)", expected[2])
        limit = f" {'of at least' if bound[1] == '>=' else 'of at most'} {bound[2]}" if bound else ""
        return f"it must be {words[expected[1]]}{limit}"
    return reason[:1].lower() + reason[1:]
