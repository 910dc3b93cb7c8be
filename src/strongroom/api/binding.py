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
_IN_ROW = re.compile(r"[^.\[\]]+\[(\d+)\](?:\.(.+))?")
_STEP = re.compile(r"[^.\[\]]+")


def bind(kind: type[Input], values: Mapping[str, Any]) -> Input:
    """Make the input of a call. Text becomes numbers and booleans; empty text is absent; unknown fields are ignored.

    Raises ``ParameterRequired`` for what is missing and ``InvalidData``, with field and value, for what does not fit.
    """
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    try:
        made = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        _refuse(str(error), given)
    place = _bent(msgspec.to_builtins(made), given)
    if place is not None:
        _refuse(f"Expected `int` - at `${place}`", given)
    return made


def _bent(made: Any, given: Any) -> str | None:
    """Say where msgspec has made a whole number, or nothing, of ``1.0``, ``1e1``, ``null``; None: nowhere.

    A body may have ten thousand rows, and all other calls wait for this one: so no generators, and no patterns.
    """
    if isinstance(given, str):
        return "" if made is None or (type(made) is int and str(made) != given) else None
    if isinstance(given, float):
        return "" if isinstance(made, int) else None
    if isinstance(given, dict) and isinstance(made, dict):
        for name, raw in given.items():
            # What no field takes was made into nothing.
            each = made.get(name, raw)
            if each is not raw and (rest := _bent(each, raw)) is not None:
                return f".{name}{rest}"
    elif isinstance(given, list) and isinstance(made, list):
        for number, (each, raw) in enumerate(zip(made, given, strict=True)):
            if (rest := _bent(each, raw)) is not None:
                return f"[{number}]{rest}"
    return None


def _refuse(complaint: str, given: Mapping[str, Any]) -> NoReturn:
    place = _PLACE.search(complaint)
    path = place[1] if place else ""
    if missing := _MISSING.search(complaint):
        raise ParameterRequired(f"Missing required parameter [{missing[1]}]{_where(path)}")
    reason = _PLACE.sub("", complaint).replace("`", "")
    row = _IN_ROW.fullmatch(path)
    name = row[2] if row and row[2] else path
    value = _shown(_value_at(given, path))
    raise InvalidData(f"Invalid value [{value}] specified for parameter [{name}]{_where(path)}: {_plain(reason)}.")


def _where(path: str) -> str:
    """Say in which row of the body it is; they count from 1."""
    row = _IN_ROW.fullmatch(path)
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
