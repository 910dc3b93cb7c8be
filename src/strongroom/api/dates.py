"""Date-times as clients send them: Vault's own form, and what Java, Python and people make of it."""

import re
from datetime import UTC, datetime

from strongroom.domain.errors import InvalidData

_ZONE_NAME = re.compile(r"\[[^\]]*\]$")
_EATEN_PLUS = re.compile(r" (\d\d:?\d\d)$")
_SHAPE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d([.,]\d{1,9})?)?\s?(Z|z|[+-]\d\d(:?\d\d)?)?)?")


def parse(field: str, value: str) -> datetime:
    """Read a date-time leniently; without a time it is midnight, without a zone UTC.

    Takes ``2026-03-04T07:00Z``, ``2026-03-04T07:00:00.123Z[UTC]``, ``2026-03-04T07:00-08:00[America/Los_Angeles]``,
    ``2026-03-04`` and offsets whose ``+`` a query string has turned into a blank. Raises ``InvalidData``.
    """
    text = _EATEN_PLUS.sub(r"+\1", _ZONE_NAME.sub("", value.strip()))
    refusal = (
        f"Invalid value [{value}] specified for parameter [{field}]: use a date-time such as 2026-03-04T09:15:00Z."
    )
    if not _SHAPE.fullmatch(text):
        raise InvalidData(refusal)
    try:
        moment = datetime.fromisoformat(text.replace(",", "."))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidData(refusal) from error


def parse_optional(field: str, value: str | None) -> datetime | None:
    """Read a date-time that may be absent."""
    return None if value is None else parse(field, value)
