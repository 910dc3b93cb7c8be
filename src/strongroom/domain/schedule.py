"""Schedules: when a job definition is due. Read from JSON, written back, and asked for the next moment.

A schedule speaks of local times in a time zone, and clocks there are changed. What then happens is chosen here, once:

- A local time that does not exist, since clocks were put forward over it, is due later by as much as they were: where
  02:00 became 03:00, what is due at 02:30 runs at 03:30. Where a whole day was left out, it runs on the next day.
- A local time that exists twice, since clocks were put back, is due once, the first time.
- With ``hourly_interval`` 1 it is due whenever the clock shows those minutes, the second time, too: on a long day there
  are 25 runs, on a short one 23. With other intervals the hours of the day count (every 4: at 0, 4, 8 ...), each once.
- What falls on the same moment runs once.
"""

import re
from calendar import monthrange
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any, Literal
from zoneinfo import ZoneInfo

from strongroom.domain.errors import InvalidData

SCHEDULES = ("hourly", "daily", "weekly", "monthly")
HOURLY_INTERVALS = (1, 2, 3, 4, 6, 12)
MONTH_REPEAT_TYPES = ("dayOfTheMonth", "dayOfTheWeek")
WEEK_DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")

_DAYS_OF_MONTH = (*range(1, 32), "last")
_WEEKS_OF_MONTH = (*range(1, 5), "last")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")
_DAY = timedelta(days=1)
_DEFAULTS = {"time": "00:00", "hourly_interval": 1}
# The keys that a schedule has beside `schedule` and `time`.
_KEYS_OF = {
    "hourly": ("hourly_interval",),
    "daily": (),
    "weekly": ("repeat_on_days",),
    "monthly": ("month_repeat_type",),
    "dayOfTheMonth": ("day_of_month",),
    "dayOfTheWeek": ("week_of_month", "week_day"),
}
_CHOICES: dict[str, tuple[int | str, ...]] = {
    "schedule": SCHEDULES,
    "hourly_interval": HOURLY_INTERVALS,
    "month_repeat_type": MONTH_REPEAT_TYPES,
    "day_of_month": _DAYS_OF_MONTH,
    "week_of_month": _WEEKS_OF_MONTH,
    "week_day": WEEK_DAYS,
}
_ADVICE = {
    **{key: f"one of {', '.join(map(str, choices))}" for key, choices in _CHOICES.items()},
    "time": "a time from 00:00 to 23:59",
    "repeat_on_days": f"a list of one or more of {', '.join(WEEK_DAYS)}, each once",
    "day_of_month": "a day from 1 to 31, or last",
}


@dataclass(frozen=True)
class Schedule:
    """When something is due, in local time. ``read`` makes it; keys that do not belong to its sort are empty.

    Of an hourly one only the minutes of ``time`` count. A month that has no ``day_of_month`` uses its last day.
    """

    schedule: Literal["hourly", "daily", "weekly", "monthly"]
    time: time
    hourly_interval: int | None = None
    repeat_on_days: tuple[str, ...] = ()
    month_repeat_type: Literal["dayOfTheMonth", "dayOfTheWeek"] | None = None
    day_of_month: int | Literal["last"] | None = None
    week_of_month: int | Literal["last"] | None = None
    week_day: str | None = None

    def to_data(self) -> dict[str, Any]:
        """The schedule as JSON has it; ``read`` makes the same of it again."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values |= {"time": f"{self.time:%H:%M}", "repeat_on_days": list(self.repeat_on_days)}
        return {key: value for key, value in values.items() if value not in (None, [])}


def read(data: Mapping[str, Any]) -> Schedule:
    """Make a schedule of what JSON or a seed file says. Raises `InvalidData`, which names the key and the value."""
    given = {**_DEFAULTS, **data}
    sort = [_value("schedule", given)]
    if sort == ["monthly"]:
        sort.append(_value("month_repeat_type", given))
    keys = ["schedule", "time", *(key for each in sort for key in _KEYS_OF[each])]
    for key, value in data.items():
        if key not in keys:
            raise InvalidData(
                f"Invalid value [{_shown(value)}] specified for [{_shown(key)}]: "
                f"a schedule [{', '.join(sort)}] has no such key; its keys are {', '.join(keys)}."
            )
    return Schedule(**{key: _value(key, given) for key in keys})


def next_after(schedule: Schedule, zone: ZoneInfo, moment: datetime) -> datetime:
    """The first moment, in UTC, that is later than ``moment`` (aware) and at which the schedule is due in ``zone``.

    Raises `InvalidData` if that is after the year 9999.
    """
    if moment.tzinfo is None:
        raise ValueError(f"a moment has a time zone, [{moment}] has none")
    try:
        # No zone was ever moved by more than a day: what is due on a day before yesterday is over.
        yesterday = moment.astimezone(zone).date() - _DAY
        for day in (yesterday + _DAY * number for number in count()):
            if found := _moments_after(moment, schedule, zone, day):
                # Where a day is there twice, the next one begins before this one's second times.
                return min(found + _moments_after(moment, schedule, zone, day + _DAY))
    except OverflowError:
        pass
    raise InvalidData(f"The schedule is not due any more after [{moment}]: the calendar ends with the year 9999.")


def _moments_after(moment: datetime, schedule: Schedule, zone: ZoneInfo, day: date) -> list[datetime]:
    """What the schedule says for a local day, as far as it is later; in no order, some perhaps twice."""
    return [due for due in _moments(schedule, zone, day) if due > moment] if _falls_on(schedule, day) else []


def _falls_on(schedule: Schedule, day: date) -> bool:
    if schedule.schedule == "weekly":
        return _week_day(day) in schedule.repeat_on_days
    if schedule.schedule != "monthly":
        return True
    last = monthrange(day.year, day.month)[1]
    if schedule.month_repeat_type == "dayOfTheMonth":
        asked = schedule.day_of_month
        return day.day == (min(asked, last) if isinstance(asked, int) else last)
    if _week_day(day) != schedule.week_day:
        return False
    return day.day + 7 > last if schedule.week_of_month == "last" else (day.day + 6) // 7 == schedule.week_of_month


def _week_day(day: date) -> str:
    return WEEK_DAYS[day.isoweekday() % 7]


def _moments(schedule: Schedule, zone: ZoneInfo, day: date) -> Iterator[datetime]:
    every = schedule.hourly_interval
    for hour in [schedule.time.hour] if every is None else range(0, 24, every):
        local = datetime.combine(day, schedule.time.replace(hour=hour), zone)
        # Of two moments this is the first. A time that is left out is counted by the clock before the change.
        first = local.astimezone(UTC)
        yield first
        # Only of a time that exists twice is this one later.
        if every == 1 and (second := local.replace(fold=1).astimezone(UTC)) > first:
            yield second


def _value(key: str, given: Mapping[str, Any]) -> Any:
    """The checked value of a key, as `Schedule` has it."""
    if key not in given:
        raise InvalidData(f"The key [{key}] of the schedule is missing: use {_ADVICE[key]}.")
    value = given[key]
    if key == "time":
        if isinstance(value, str) and _TIME.fullmatch(value):
            return time.fromisoformat(value)
    elif key == "repeat_on_days":
        days = list(value) if isinstance(value, list | tuple) else []
        if days and all(day in WEEK_DAYS and days.count(day) == 1 for day in days):
            return tuple(day for day in WEEK_DAYS if day in days)
    # True is no 1, and 1.0 neither.
    elif any(value == choice and type(value) is type(choice) for choice in _CHOICES[key]):
        return value
    raise InvalidData(f"Invalid value [{_shown(value)}] specified for [{key}]: use {_ADVICE[key]}.")


def _shown(value: object) -> str:
    """A value of any sort in a sentence, cut if it is long; what is no Unicode is left out."""
    text = str(value).encode(errors="replace").decode()
    return text if len(text) <= 60 else f"{text[:60]}..."
