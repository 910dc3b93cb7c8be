"""Date-times as the API writes them."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=4096)  # a client that polls is told the same dates again and again
def written(moment: datetime) -> str:
    """Write a date-time the way the API does: UTC, three decimals, a literal ``Z``."""
    utc = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return utc.isoformat(timespec="milliseconds")[: -len("+00:00")] + "Z"


def whole_second(moment: datetime) -> datetime:
    """Cut a date-time to its second: job dates end in ``.000``."""
    return moment.replace(microsecond=0)
