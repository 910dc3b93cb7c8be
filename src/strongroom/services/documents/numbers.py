"""Version numbers as clients write them."""

from typing import Any

from strongroom.domain.errors import InvalidData, ParameterRequired

_MAX = 2**31 - 1
_NAMES = ("major_version_number__v", "minor_version_number__v")


def of_fields(given: dict[str, Any]) -> tuple[int, int] | None:
    """The version number that fields hold, or None; one without the other is refused."""
    written = [given.get(name) for name in _NAMES]
    if all(value in (None, "") for value in written):
        return None
    for name, value in zip(_NAMES, written, strict=True):
        if value in (None, ""):
            raise ParameterRequired.of(name)
    major, minor = (_number(name, value) for name, value in zip(_NAMES, written, strict=True))
    if major == minor == 0:
        raise InvalidData("The version 0.0 does not exist; the first one is 0.1.")
    return major, minor


def _number(name: str, written: Any) -> int:
    text = str(written).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 10 or int(text) > _MAX:
        raise InvalidData(f"[{name}] is not a version number: [{text[:60]}].")
    return int(text)
