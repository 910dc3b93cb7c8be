"""Schedules: what can be said, and when that is due, also where clocks are changed."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.domain.minute_walk import due, walk

from strongroom.domain.errors import InvalidData
from strongroom.domain.schedule import HOURLY_INTERVALS, WEEK_DAYS, Schedule, next_after, read

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def daily(time: str) -> dict[str, Any]:
    return {"schedule": "daily", "time": time}


def hourly(time: str, interval: int = 1) -> dict[str, Any]:
    return {"schedule": "hourly", "time": time, "hourly_interval": interval}


def weekly(time: str, *days: str) -> dict[str, Any]:
    return {"schedule": "weekly", "time": time, "repeat_on_days": list(days)}


def monthly(time: str, day: int | str) -> dict[str, Any]:
    return {"schedule": "monthly", "time": time, "month_repeat_type": "dayOfTheMonth", "day_of_month": day}


def by_week(time: str, week: int | str, day: str) -> dict[str, Any]:
    repeat = {"month_repeat_type": "dayOfTheWeek", "week_of_month": week, "week_day": day}
    return {"schedule": "monthly", "time": time, **repeat}


def moment(written: str) -> datetime:
    return datetime.fromisoformat(written).replace(tzinfo=UTC)


def moments(schedule: Schedule, zone: ZoneInfo, after: datetime) -> Iterator[datetime]:
    while True:
        after = next_after(schedule, zone, after)
        yield after


def between(schedule: Schedule, zone: ZoneInfo, after: datetime, end: datetime) -> list[datetime]:
    return list(takewhile(lambda each: each < end, moments(schedule, zone, after)))


# Clocks change in New York on 2026-03-08 (02:00 becomes 03:00) and 2026-11-01 (02:00 becomes 01:00), on Lord Howe by half
# an hour on 2026-04-05 (02:00 becomes 01:30) and 2026-10-04 (02:00 becomes 02:30); Apia had no 2011-12-30.
@pytest.mark.parametrize(
    ("data", "zone", "after", "expected"),
    [
        # Ordinary days.
        (daily("09:15"), "UTC", "2026-03-04T09:14:59.999999", ["2026-03-04T09:15", "2026-03-05T09:15"]),
        (daily("09:15"), "UTC", "2026-03-04T09:15", ["2026-03-05T09:15"]),
        (daily("00:00"), "Asia/Kathmandu", "2026-03-04T00:00", ["2026-03-04T18:15", "2026-03-05T18:15"]),
        (hourly("17:05"), "UTC", "2026-03-04T23:05", ["2026-03-05T00:05", "2026-03-05T01:05"]),
        (hourly("00:00", 12), "America/New_York", "2026-03-04T00:00", ["2026-03-04T05:00", "2026-03-04T17:00"]),
        (weekly("06:00", "Mon", "Sat"), "UTC", "2026-03-04T00:00", ["2026-03-07T06:00", "2026-03-09T06:00"]),
        # The day of a week or month is that of the zone.
        (weekly("22:00", "Mon"), "America/New_York", "2026-01-01T00:00", ["2026-01-06T03:00", "2026-01-13T03:00"]),
        (monthly("00:30", 1), "Europe/Berlin", "2026-06-15T00:00", ["2026-06-30T22:30", "2026-07-31T22:30"]),
        # Short months and leap years.
        (monthly("08:00", 31), "UTC", "2026-01-31T08:00", ["2026-02-28T08:00", "2026-03-31T08:00", "2026-04-30T08:00"]),
        (monthly("08:00", "last"), "UTC", "2028-02-01T00:00", ["2028-02-29T08:00", "2028-03-31T08:00"]),
        (monthly("08:00", 29), "UTC", "2028-02-01T00:00", ["2028-02-29T08:00", "2028-03-29T08:00"]),
        (monthly("08:00", 29), "UTC", "2100-02-01T00:00", ["2100-02-28T08:00", "2100-03-29T08:00"]),
        (by_week("08:00", 1, "Sun"), "UTC", "2026-02-01T08:00", ["2026-03-01T08:00", "2026-04-05T08:00"]),
        (by_week("08:00", 4, "Sat"), "UTC", "2026-02-01T00:00", ["2026-02-28T08:00", "2026-03-28T08:00"]),
        (by_week("08:00", "last", "Tue"), "UTC", "2026-06-01T00:00", ["2026-06-30T08:00", "2026-07-28T08:00"]),
        # A time that does not exist, and one that exists twice.
        (daily("02:30"), "America/New_York", "2026-03-07T12:00", ["2026-03-08T07:30", "2026-03-09T06:30"]),
        (daily("01:30"), "America/New_York", "2026-11-01T00:00", ["2026-11-01T05:30", "2026-11-02T06:30"]),
        (daily("01:30"), "America/New_York", "2026-11-01T05:45", ["2026-11-02T06:30"]),
        (hourly("00:30", 2), "America/New_York", "2026-03-08T05:30", ["2026-03-08T07:30", "2026-03-08T08:30"]),
        (hourly("00:30", 3), "America/New_York", "2026-03-08T05:30", ["2026-03-08T07:30", "2026-03-08T10:30"]),
        (hourly("00:30", 2), "America/New_York", "2026-11-01T04:30", ["2026-11-01T07:30", "2026-11-01T09:30"]),
        (hourly("00:30"), "America/New_York", "2026-03-08T06:00", ["2026-03-08T06:30", "2026-03-08T07:30"]),
        (hourly("00:30"), "America/New_York", "2026-11-01T05:00", ["2026-11-01T05:30", "2026-11-01T06:30"]),
        # The same by half an hour.
        (daily("02:15"), "Australia/Lord_Howe", "2026-10-03T00:00", ["2026-10-03T15:45", "2026-10-04T15:15"]),
        (daily("01:45"), "Australia/Lord_Howe", "2026-04-04T00:00", ["2026-04-04T14:45", "2026-04-05T15:15"]),
        (hourly("00:15"), "Australia/Lord_Howe", "2026-10-03T14:45", ["2026-10-03T15:45", "2026-10-03T16:15"]),
        (hourly("00:45"), "Australia/Lord_Howe", "2026-04-04T14:45", ["2026-04-04T15:15", "2026-04-04T16:15"]),
        (hourly("00:29"), "Australia/Lord_Howe", "2026-04-04T14:00", ["2026-04-04T14:29", "2026-04-04T15:59"]),
        # A day that was left out.
        (daily("09:00"), "Pacific/Apia", "2011-12-29T00:00", ["2011-12-29T19:00", "2011-12-30T19:00", "2011-12-31T19:00"]),
        (weekly("09:00", "Fri"), "Pacific/Apia", "2011-12-24T00:00", ["2011-12-30T19:00", "2012-01-05T19:00"]),
        (weekly("09:00", "Fri"), "Pacific/Apia", "2011-12-30T11:00", ["2011-12-30T19:00", "2012-01-05T19:00"]),
        (monthly("09:00", 30), "Pacific/Apia", "2011-12-01T00:00", ["2011-12-30T19:00", "2012-01-29T19:00"]),
        (hourly("00:00", 12), "Pacific/Apia", "2011-12-29T23:00", ["2011-12-30T10:00", "2011-12-30T22:00"]),
        # An hour around midnight that was left out, and a day that there was twice.
        (daily("23:45"), "America/Toronto", "1919-03-31T04:31", ["1919-03-31T04:45", "1919-04-01T03:45"]),
        (hourly("00:00"), "America/Sitka", "1867-10-18T08:31", ["1867-10-18T09:01:13", "1867-10-18T10:01:13"]),
    ],
)  # fmt: skip
def test_when_a_schedule_is_due(data: dict[str, Any], zone: str, after: str, expected: list[str]) -> None:
    following = moments(read(data), ZoneInfo(zone), moment(after))
    assert [next(following) for _ in expected] == [moment(each) for each in expected]


@pytest.mark.parametrize(
    ("zone", "begin", "hours", "runs"),
    [
        ("America/New_York", "2026-03-08T05:00", 23, 23),
        ("America/New_York", "2026-03-09T04:00", 24, 24),
        ("America/New_York", "2026-11-01T04:00", 25, 25),
        ("Australia/Lord_Howe", "2026-10-03T13:30", 23.5, 24),
        ("Australia/Lord_Howe", "2026-04-04T13:00", 24.5, 24),
    ],
)
def test_every_hour_of_a_long_and_of_a_short_day(zone: str, begin: str, hours: float, runs: int) -> None:
    start = moment(begin)
    end = start + hours * HOUR
    assert f"{start.astimezone(ZoneInfo(zone)):%H:%M} {end.astimezone(ZoneInfo(zone)):%H:%M}" == "00:00 00:00"
    assert len(between(read(hourly("00:15")), ZoneInfo(zone), start, end)) == runs


@pytest.mark.parametrize("after", ["9999-12-31T23:30", "9999-12-31T23:59:59.999999"])
@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("data", [daily("10:00"), hourly("00:15"), monthly("10:00", 1)])
def test_the_calendar_ends(data: dict[str, Any], zone: str, after: str) -> None:
    with pytest.raises(InvalidData, match=r"not due any more after \[9999-12-31 23:.*year 9999"):
        next_after(read(data), ZoneInfo(zone), moment(after))


def test_a_moment_without_a_time_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="has none"):
        next_after(read(daily("10:00")), ZoneInfo("UTC"), datetime(2026, 3, 4))  # noqa: DTZ001 - the mistake


def test_the_moment_may_be_given_in_any_time_zone() -> None:
    tokyo = moment("2026-03-04T09:15").astimezone(ZoneInfo("Asia/Tokyo"))
    found = next_after(read(daily("09:15")), ZoneInfo("UTC"), tokyo)
    assert found == moment("2026-03-05T09:15")
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    ("given", "data"),
    [
        ({"schedule": "hourly"}, hourly("00:00")),
        ({"schedule": "daily"}, daily("00:00")),
        (weekly("07:05", "Sat", "Sun", "Mon"), weekly("07:05", "Sun", "Mon", "Sat")),
        (hourly("05:30", 6), hourly("05:30", 6)),
        (monthly("23:59", 31), monthly("23:59", 31)),
        (monthly("23:59", "last"), monthly("23:59", "last")),
        (by_week("00:00", "last", "Sun"), by_week("00:00", "last", "Sun")),
    ],
)
def test_what_is_read_is_written_whole_and_in_order(given: dict[str, Any], data: dict[str, Any]) -> None:
    assert read(given).to_data() == data


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({}, "The key [schedule] of the schedule is missing: use one of hourly, daily, weekly, monthly."),
        ({"schedule": "yearly"}, "Invalid value [yearly] specified for [schedule]: use one of hourly, daily, weekly, monthly."),
        ({"schedule": ["daily"]}, "[['daily']] specified for [schedule]"),
        ({"schedule": "Daily"}, "[Daily] specified for [schedule]"),
        ({"schedule": None}, "[None] specified for [schedule]"),
        (daily("24:00"), "Invalid value [24:00] specified for [time]: use a time from 00:00 to 23:59."),
        (daily("9:00"), "[9:00] specified for [time]"),
        (daily("09:00\n"), "[09:00\n] specified for [time]"),
        (daily("\u0660\u0669:00"), "[\u0660\u0669:00] specified for [time]"),
        ({"schedule": "daily", "time": 900}, "[900] specified for [time]"),
        ({"schedule": "daily", "tme": "09:00"}, "Invalid value [09:00] specified for [tme]: a schedule [daily] has no such key; its keys are schedule, time."),
        (daily("09:00") | {"\ud800": "\ud800" * 90}, "specified for [?]"),
        (hourly("00:00", 5), "Invalid value [5] specified for [hourly_interval]: use one of 1, 2, 3, 4, 6, 12."),
        ({"schedule": "hourly", "hourly_interval": True}, "[True] specified for [hourly_interval]"),
        ({"schedule": "hourly", "hourly_interval": 1.0}, "[1.0] specified for [hourly_interval]"),
        ({"schedule": "hourly", "hourly_interval": "1"}, "[1] specified for [hourly_interval]"),
        ({"schedule": "weekly"}, "The key [repeat_on_days] of the schedule is missing: use a list of one or more of Sun, Mon, Tue, Wed, Thu, Fri, Sat, each once."),
        (weekly("00:00"), "[[]] specified for [repeat_on_days]"),
        (weekly("00:00", "Monday"), "[['Monday']] specified for [repeat_on_days]"),
        (weekly("00:00", "Mon", "Mon"), "[['Mon', 'Mon']] specified for [repeat_on_days]"),
        ({"schedule": "weekly", "repeat_on_days": "Mon"}, "[Mon] specified for [repeat_on_days]"),
        ({"schedule": "weekly", "repeat_on_days": [["Mon"]]}, "[[['Mon']]] specified for [repeat_on_days]"),
        ({"schedule": "monthly"}, "The key [month_repeat_type] of the schedule is missing: use one of dayOfTheMonth, dayOfTheWeek."),
        ({"schedule": "monthly", "month_repeat_type": "dayOfTheMonth"}, "The key [day_of_month] of the schedule is missing: use a day from 1 to 31, or last."),
        (monthly("00:00", 0), "[0] specified for [day_of_month]"),
        (monthly("00:00", 32), "[32] specified for [day_of_month]"),
        (monthly("00:00", "15"), "[15] specified for [day_of_month]"),
        (by_week("00:00", 5, "Sun"), "Invalid value [5] specified for [week_of_month]: use one of 1, 2, 3, 4, last."),
        (by_week("00:00", 1, "sun"), "[sun] specified for [week_day]"),
        # Keys that contradict what the schedule is.
        (daily("09:00") | {"hourly_interval": 2}, "[2] specified for [hourly_interval]: a schedule [daily] has no such key"),
        (monthly("09:00", 3) | {"week_day": "Mon"}, "[Mon] specified for [week_day]: a schedule [monthly, dayOfTheMonth] has no such key; its keys are schedule, time, month_repeat_type, day_of_month."),
        (by_week("09:00", 3, "Mon") | {"day_of_month": 3}, "[3] specified for [day_of_month]: a schedule [monthly, dayOfTheWeek] has no"),
        (weekly("09:00", "Mon") | {"week_day": "Mon"}, "[Mon] specified for [week_day]: a schedule [weekly] has no such key"),
        (daily("09:00") | {"week_day": None}, "[None] specified for [week_day]: a schedule [daily] has no such key"),
        (daily("9" * 100), f"[{'9' * 60}...] specified for [time]"),
    ],
)  # fmt: skip
def test_what_is_refused_names_key_and_value(data: Mapping[str, Any], told: str) -> None:
    with pytest.raises(InvalidData) as refused:
        read(data)
    assert told in refused.value.message
    refused.value.message.encode()


TIMES = st.one_of(
    st.sampled_from(["00:00", "00:30", "01:30", "01:45", "02:00", "02:15", "02:30", "03:00", "23:59"]),
    st.times().map(lambda time: f"{time:%H:%M}"),
)
DAYS = st.sampled_from(WEEK_DAYS)
SCHEDULES = st.one_of(
    st.builds(daily, TIMES),
    st.builds(hourly, TIMES, st.sampled_from(HOURLY_INTERVALS)),
    st.builds(weekly, TIMES).flatmap(
        lambda data: st.lists(DAYS, min_size=1, unique=True).map(lambda days: data | {"repeat_on_days": days})
    ),
    st.builds(monthly, TIMES, st.one_of(st.integers(1, 31), st.just("last"))),
    st.builds(by_week, TIMES, st.one_of(st.integers(1, 4), st.just("last")), DAYS),
)
CHANGES = [
    ("America/New_York", "2026-03-08T07:00"),
    ("America/New_York", "2026-11-01T06:00"),
    ("Australia/Lord_Howe", "2026-04-04T15:00"),
    ("Australia/Lord_Howe", "2026-10-03T15:30"),
    ("Pacific/Apia", "2011-12-30T10:00"),
    ("Pacific/Kwajalein", "1993-08-21T12:00"),
    ("America/Sao_Paulo", "2018-11-04T03:00"),
    ("Africa/Casablanca", "2026-02-15T02:00"),
    ("America/Caracas", "2016-05-01T07:00"),
    ("Asia/Pyongyang", "2018-05-04T15:00"),
    ("Antarctica/Troll", "2026-03-29T01:00"),
]
"""Moments when clocks were or will be changed: by an hour, half an hour, two hours, a day; forward and back."""
AT_CHANGES = st.builds(
    lambda change, minutes: (ZoneInfo(change[0]), moment(change[1]) + timedelta(minutes=minutes)),
    st.sampled_from(CHANGES),
    st.integers(-2880, 2880),
)
ANY_PLACE = st.sampled_from(sorted(available_timezones())).map(ZoneInfo)


def in_years(first: int, last: int) -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(first, 1, 1), datetime(last, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - as asked


@given(SCHEDULES)
def test_what_is_read_and_written_is_the_same(data: dict[str, Any]) -> None:
    schedule = read(data)
    assert read(schedule.to_data()) == schedule
    assert read(schedule.to_data()).to_data() == schedule.to_data()


@given(SCHEDULES, st.one_of(AT_CHANGES, st.tuples(ANY_PLACE, in_years(1850, 9990))), st.floats(0, 1))
@example(daily("12:00"), (ZoneInfo("America/Sitka"), moment("1867-10-18T20:00")), 0.9)
@example(daily("12:00"), (ZoneInfo("Asia/Manila"), moment("1844-12-30T20:00")), 0.9)
def test_the_next_moment_is_later_and_stays_the_next_until_it_is_reached(
    data: dict[str, Any], place: tuple[ZoneInfo, datetime], share: float
) -> None:
    schedule, (zone, start) = read(data), place
    found = next_after(schedule, zone, start)
    assert found > start
    meanwhile = start + (found - start) * share
    assert next_after(schedule, zone, meanwhile) == found or meanwhile >= found
    assert next_after(schedule, zone, found - timedelta(microseconds=1)) == found
    assert next_after(schedule, zone, found) > found


@given(SCHEDULES, st.one_of(AT_CHANGES, st.tuples(ANY_PLACE, in_years(1975, 2090))))
def test_nothing_is_left_out_and_nothing_is_added(data: dict[str, Any], place: tuple[ZoneInfo, datetime]) -> None:
    """Between two moments that follow each other there is no other: the oracle finds the same ones in three days."""
    zone, start = place[0], place[1].replace(second=0, microsecond=0)
    found = between(read(data), zone, start - timedelta(microseconds=1), start + 3 * DAY)
    assert found == due(data, walk(zone, start, start + 3 * DAY))


@given(st.one_of(AT_CHANGES, st.tuples(ANY_PLACE, in_years(1850, 2090))), st.integers(0, 59))
def test_every_hour_has_its_run(place: tuple[ZoneInfo, datetime], minute: int) -> None:
    """More than an hour passes only where clocks are put back by no whole hours."""
    zone, start = place
    end = start + 3 * DAY
    set_back = start.astimezone(zone).replace(tzinfo=None) + 3 * DAY - end.astimezone(zone).replace(tzinfo=None)
    found = between(read(hourly(f"00:{minute:02}")), zone, start, end)
    longest = HOUR + (max(set_back, 0 * HOUR) % HOUR)
    assert all(later - earlier <= longest for earlier, later in pairwise([start, *found, end]))


@pytest.mark.parametrize(
    ("zone", "year", "runs"),
    [("America/New_York", 2026, 8760), ("Australia/Lord_Howe", 2026, 8761), ("Pacific/Apia", 2011, 8736)],
)
def test_a_year(zone: str, year: int, runs: int) -> None:
    """A daily, an hourly and a monthly schedule: every moment of a year, in order, beside one that looks at every minute."""
    here = ZoneInfo(zone)
    start, end = (datetime(each, 1, 1, tzinfo=here).astimezone(UTC) for each in (year, year + 1))
    minutes = walk(here, start, end)
    for data in (daily("02:15"), hourly("00:45"), monthly("01:45", 31)):
        found = between(read(data), here, start - timedelta(microseconds=1), end)
        assert found == sorted(set(found)) == due(data, minutes)
        days = 365 if zone != "Pacific/Apia" else 364
        assert len(found) == {"daily": days, "hourly": runs, "monthly": 12}[data["schedule"]]
