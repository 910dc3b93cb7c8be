"""What the values of a seed file have to be; each complaint gets its place in the file by who reads it."""

import re
from collections import Counter
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

NAME = re.compile(r"[a-z][a-z0-9_]*__(c|v|sys)")


def check_name(name: str) -> None:
    """Require a name of the catalog, such as `general__c`."""
    check(NAME.fullmatch(name), f"[{name}] is not a name: lower-case letters, digits and _, ending __c or __v")


def check_timezone(name: str) -> None:
    """Require a time zone of the IANA."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"there is no time zone [{name}]") from None


def check_unique(what: str, names: list[str]) -> None:
    """Require that each name is there once."""
    for name, count in Counter(names).items():
        check(count == 1, f"{what} [{name}] is there {count} times")


def check(holds: object, problem: str) -> None:
    """Raise what msgspec turns into an error with the place in the file."""
    if not holds:
        raise ValueError(problem)
