"""Fits the values of a request into the type that a call declares for its input."""

import re
from collections.abc import Iterable, Iterator, Mapping
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
_WHOLE = re.compile(r"0|-?[1-9][0-9]*")


def bind(kind: type[Input], values: Mapping[str, Any]) -> Input:
    """Make the input of a call. Text becomes numbers and booleans; empty text is absent; unknown fields are ignored.

    Raises ``ParameterRequired`` for what is missing and ``InvalidData``, with field and value, for what does not fit.
    """
    given = {name: value for name, value in values.items() if value is not None and value != ""}
    try:
        made = msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        _refuse(str(error), given)
    for place in _bent(msgspec.to_builtins(made), given):
        _refuse(f"Expected `int` - at `${place}`", given)
    return made


def _bent(made: Any, given: Any) -> Iterator[str]:
    """Find where msgspec has made a whole number, or nothing, of ``1.0``, ``1e1``, ``null``."""
    for step, each, raw in _pairs(made, given):
        if isinstance(raw, dict | list):
            yield from (_step(step) + rest for rest in _bent(each, raw))
        elif isinstance(raw, str):
            if (type(each) is int and not _WHOLE.fullmatch(raw)) or each is None:
                yield _step(step)
        elif isinstance(raw, float) and isinstance(each, int):
            yield _step(step)


def _pairs(made: Any, given: Any) -> Iterable[tuple[str | int, Any, Any]]:
    """Pair what was made with what it was made of; what no field takes was made into nothing."""
    if isinstance(given, dict) and isinstance(made, dict):
        return ((name, made[name], raw) for name, raw in given.items() if made.get(name, raw) is not raw)
    if isinstance(given, list) and isinstance(made, list):
        return zip(range(len(given)), made, given, strict=True)
    return ()


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


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
