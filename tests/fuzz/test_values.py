"""Numbers and dates in paths, queries and rows: plain ones are understood, all others are refused and named."""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import quote, urlencode

from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.fuzz.edge import Ask, Edge
from tests.fuzz.profiles import fuzzed

JOBS = "/services/jobs/histories"
EXPORT = b"/api/v26.1/objects/documents/batch/actions/fileextract"
PLAIN = re.compile(r"0|-?[1-9][0-9]*")
MOST = 2**31 - 1

odd_numbers = st.one_of(
    st.sampled_from(["1.0", "1e1", "1E0", "+1", "01", "-0", " 1 ", "1 ", "1_0", "0x1", "1,0", "\u0663", "\u00b2", "\uff11", "NaN", "inf", "null", "9" * 40, "-1", "1.0e0"]),
    st.integers().map(str),
    st.floats().map(str),
    st.text("0123456789.eE+- _\u0663\u2460", min_size=1, max_size=12),
    st.text(st.characters(categories=["Nd", "No", "Nl"]), min_size=1, max_size=5),
)  # fmt: skip


def number(written: str) -> int | None:
    """What a text says, if it is a number as the API writes them."""
    return int(written) if PLAIN.fullmatch(written) else None


@given(written=odd_numbers)
@fuzzed(120)
def test_an_id_in_a_path(edge: Edge, written: str) -> None:
    assume(written.strip("./") and "/" not in written)
    for path, field in (
        ("/objects/documents/{}/versions", "id"),
        ("/objects/documents/{}", "id"),
        ("/services/jobs/{}/tasks", "job_id"),
    ):
        reply = edge.get(path.format(quote(written, safe="")))
        assert reply.error == "INVALID_DATA", reply.content
        known = number(written)
        told = f"Invalid value [{written}] specified for parameter [{field}]: it must be a whole number"
        assert (told in reply.json["errors"][0]["message"]) == (known is None or not 0 <= known <= MOST), reply.content


@given(written=odd_numbers, second=odd_numbers)
@fuzzed(60)
def test_a_version_number_in_a_path(edge: Edge, written: str, second: str) -> None:
    assume("/" not in written + second)
    path = f"/objects/documents/1/versions/{quote(written, safe='')}/{quote(second, safe='')}/file"
    message = edge.get(path).json["errors"][0]["message"]
    if (
        (major := number(written)) is not None
        and (minor := number(second)) is not None
        and 0 <= min(major, minor) <= max(major, minor) <= MOST
    ):
        assert message == f"There is no version [{major}.{minor}] of document [1]."
    else:
        assert message.startswith("Invalid value [")


@given(limit=odd_numbers, offset=odd_numbers)
@example(limit="200", offset=str(MOST))
@fuzzed(120)
def test_paging(edge: Edge, limit: str, offset: str) -> None:
    for path, skip in (
        (JOBS, "offset"),
        ("/services/jobs/monitors", "offset"),
        ("/objects/documents", "start"),
        ("/objects/users", "start"),
    ):
        reply = edge.get(path, urlencode({"limit": limit, skip: offset}).encode())
        size, at = number(limit), number(offset)
        good = size is not None and 1 <= size <= 200 and at is not None and 0 <= at <= MOST
        assert reply.error == ("" if good else "INVALID_DATA"), reply.content
        if good:
            shown = reply.json.get("responseDetails", reply.json)
            assert (shown["limit"], shown[skip]) == (size, at)


@given(limit=odd_numbers)
@fuzzed(40)
def test_the_limit_of_a_listing(edge: Edge, limit: str) -> None:
    reply = edge.get("/services/file_staging/items", urlencode({"limit": limit}).encode())
    size = number(limit)
    assert reply.error == ("" if size is not None and 1 <= size <= 1000 else "INVALID_DATA"), reply.content


@given(written=st.one_of(odd_numbers, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans()))
@fuzzed(100)
def test_ids_in_rows(edge: Edge, written: float | str) -> None:
    """A JSON row may hold the id as a text or as a number, a CSV row is text."""
    known = number(written) if isinstance(written, str) else written if type(written) is int else None
    good = known is not None and 1 <= known <= MOST
    as_json = Ask(
        "POST", EXPORT, body=[json.dumps([{"id": written}]).encode()], headers=[(b"content-type", b"application/json")]
    )
    assert edge.send(as_json).error == ("" if good else "INVALID_DATA")
    if isinstance(written, str) and not written.isspace():
        as_csv = Ask(
            "POST", EXPORT, body=[f'id,other\n"{written}",x\n'.encode()], headers=[(b"content-type", b"text/csv")]
        )
        assert edge.send(as_csv).error == ("" if good else "INVALID_DATA")


@given(after=odd_numbers)
@fuzzed(30)
def test_the_last_seen_line_of_a_log(edge: Edge, after: str) -> None:
    edge.send(Ask("POST", EXPORT, body=[b'[{"id": 1}]']))
    reply = edge.get("/services/jobs/1/log", urlencode({"after": after}).encode())
    assert (reply.media == "text/plain") == (0 <= (number(after) or 0) < 2**63 and number(after) is not None), (
        reply.content
    )


def java(moment: datetime, zone: str) -> str:
    """What Java's ``ZonedDateTime`` prints: no seconds where there are none, three, six or nine decimals, and the zone."""
    text = moment.strftime("%Y-%m-%dT%H:%M")
    if moment.second or moment.microsecond:
        text += moment.strftime(":%S")
    if moment.microsecond:
        text += f".{moment.microsecond:06d}".removesuffix("000")
    offset = moment.utcoffset() or timedelta()
    minutes = round(offset.total_seconds() / 60)
    sign = "-" if minutes < 0 else "+"
    text += f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}" if minutes else "Z"
    return text + (f"[{zone}]" if zone else "")


offsets = st.integers(-18 * 60, 18 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.one_of(st.just(UTC), offsets))  # noqa: DTZ001


@given(
    moment=moments, zone=st.sampled_from(["", "UTC", "America/Los_Angeles", "Z", "GMT+02:00"]), raw_plus=st.booleans()
)
@fuzzed(100)
def test_dates_of_java(edge: Edge, moment: datetime, zone: str, raw_plus: bool) -> None:
    written = java(moment, zone)
    query = f"start_date={quote(written, safe=':[]/' + ('+' if raw_plus else ''))}"
    reply = edge.get(JOBS, query.encode())
    assert reply.error == "", (written, reply.content)


@given(
    written=st.one_of(
        st.text(max_size=30),
        st.text("0123456789-:TZ+. []", max_size=30),
        moments.map(str).map(lambda text: text.replace("2", "\u0662")),
    )
)
@fuzzed(100)
def test_any_date(edge: Edge, written: str) -> None:
    assume("\0" not in written and not any("\ud800" <= each <= "\udfff" for each in written))
    reply = edge.get(JOBS, urlencode({"start_date": written, "end_date": written}).encode())
    if reply.error:
        assert reply.error == "INVALID_DATA"
        assert f"[{written}]" in reply.json["errors"][0]["message"]
    else:
        assert written.isascii() or not written.strip()
