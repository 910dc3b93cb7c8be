"""An oracle for schedules: it walks through every minute in UTC, looks at the clock on the wall, and asks whether it is time."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

Tick = tuple[datetime, datetime, bool]
"""A moment, what the clock on the wall shows, and whether it has not shown that before."""


def walk(zone: ZoneInfo, start: datetime, end: datetime) -> list[Tick]:
    """All minutes from ``start`` to ``end``, in order; left out ones are there, at the moment when they would have been."""
    return sorted(tick for tick in _ticks(zone, start, end) if start <= tick[0] < end)


def due(data: Mapping[str, Any], ticks: list[Tick]) -> list[datetime]:
    """At which of these moments a schedule, given as JSON, is due."""
    minute, every_time = int(data["time"][3:]), data.get("hourly_interval") == 1
    found = {
        moment
        for moment, wall, first in ticks
        if wall.minute == minute and (first or every_time) and _is_hour(data, wall) and _is_day(data, wall)
    }
    return sorted(found)


def _ticks(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[Tick]:
    """Begin two days before, so that it is known what the clock has shown already."""
    moment = start - 2 * DAY
    before = latest = (moment - MINUTE).astimezone(zone).replace(tzinfo=None)
    while moment < end:
        wall = moment.astimezone(zone).replace(tzinfo=None)
        yield moment, wall, wall > latest
        skipped = before + MINUTE
        while skipped < wall:
            yield moment + (skipped - before - MINUTE), skipped, skipped > latest
            skipped += MINUTE
        before, latest = wall, max(wall, latest)
        moment += MINUTE


def _is_hour(data: Mapping[str, Any], wall: datetime) -> bool:
    if data["schedule"] == "hourly":
        return wall.hour % int(data["hourly_interval"]) == 0
    return wall.hour == int(data["time"][:2])


def _is_day(data: Mapping[str, Any], wall: datetime) -> bool:
    if data["schedule"] == "weekly":
        return f"{wall:%a}" in data["repeat_on_days"]
    if data["schedule"] != "monthly":
        return True
    if data["month_repeat_type"] == "dayOfTheMonth":
        day, is_last = data["day_of_month"], (wall + DAY).month != wall.month
        return is_last if day == "last" else wall.day == day or (is_last and wall.day < day)
    if f"{wall:%a}" != data["week_day"]:
        return False
    if data["week_of_month"] == "last":
        return (wall + 7 * DAY).month != wall.month
    week = int(data["week_of_month"])
    return (wall - 7 * (week - 1) * DAY).month == wall.month != (wall - 7 * week * DAY).month
