"""Writes a reply in the format that the client accepts: JSON by default, XML, and CSV for bulk calls."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import msgspec

from strongroom.api import envelope, xml


class Format(StrEnum):
    """A format of replies, with its exact content type."""

    JSON = "application/json;charset=UTF-8"
    XML = "application/xml;charset=UTF-8"
    CSV = "text/csv;charset=UTF-8"


@dataclass(frozen=True)
class Rows:
    """The reply to a bulk call: one row per row of the request, each with its own ``responseStatus``."""

    rows: Sequence[dict[str, Any]]
    columns: tuple[str, ...] = ("responseStatus", "id", "external_id__v", "errors")


_NAMES = {
    "application/json": Format.JSON,
    "application/*": Format.JSON,
    "*/*": Format.JSON,
    "application/xml": Format.XML,
    "text/xml": Format.XML,
    "text/csv": Format.CSV,
}


def negotiate(accept: str | None, *, csv_offered: bool = False) -> Format:
    """Choose the format that the ``Accept`` header prefers; JSON where it names none that there is."""
    if not accept or accept in {"*/*", "application/json"}:
        return Format.JSON
    best, best_weight = Format.JSON, 0.0
    for entry in accept.split(","):
        name, _, options = entry.strip().partition(";")
        found = _NAMES.get(name.strip().lower())
        if found is None or (found is Format.CSV and not csv_offered):
            continue
        if (weight := _weight(options)) > best_weight:
            best, best_weight = found, weight
    return best


def write(body: dict[str, Any], chosen: Format, root: str) -> bytes:
    """Write an envelope as JSON or XML, without what is None."""
    if chosen is Format.XML:
        return xml.write(root, envelope.without_nulls(body))
    written = msgspec.json.encode(body)
    # To look for the word costs less than to look through the body; a text that holds it costs a second writing.
    return msgspec.json.encode(envelope.without_nulls(body)) if b"null" in written else written


def write_csv(rows: Rows) -> bytes:
    """Write bulk rows as a table; an error is ``TYPE|message``."""
    columns = [name for name in rows.columns if name != "external_id__v" or any(name in row for row in rows.rows)]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([[_cell(row.get(name, "")) for name in columns] for row in rows.rows])
    return out.getvalue().encode()


def _weight(options: str) -> float:
    for option in options.split(";"):
        name, _, value = option.strip().partition("=")
        if name == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return ";".join(f"{each['type']}|{each['message']}" if isinstance(each, dict) else str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
