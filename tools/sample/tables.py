"""The sample Vault's figures and plain text: logs, registers, notes."""

import csv
import io

HOURS = 24
ALARM = ((2, 10, 8.1), (2, 20, 9.0), (2, 30, 9.4), (2, 40, 8.8))


def temperatures() -> list[tuple[str, float]]:
    """Cold store 2 on 3 March 2026: a reading every ten minutes, in °C, with the forty minutes above the limit."""
    high = {f"{hour:02d}:{minute:02d}": value for hour, minute, value in ALARM}
    readings = []
    for tick in range(HOURS * 6):
        time = f"{tick // 6:02d}:{tick % 6 * 10:02d}"
        wave = (tick * 7 % 12) / 12 - 0.5 + abs(tick % 36 - 18) / 18
        readings.append((time, high.get(time, round(4.6 + wave, 1))))
    return readings


def temperature_log() -> bytes:
    """The readings as CSV."""
    rows = [(f"2026-03-03T{time}:00Z", value, "yes" if value > 8 else "no") for time, value in temperatures()]
    return _csv([("time", "temperature_c", "above_limit"), *rows])


def batch_record() -> bytes:
    """What was filled into bottles in batch 26-0117, as CSV."""
    weights = (250.3, 249.9, 250.1, 250.4, 249.7, 250.0, 250.2, 249.8, 250.1, 250.0, 250.5, 249.9)
    rows = [(f"26-0117-{nozzle:02d}", nozzle, weight, "250.0") for nozzle, weight in enumerate(weights, 1)]
    return _csv([("sample", "nozzle", "fill_weight_g", "nominal_g"), *rows])


def staged_manifest() -> bytes:
    """A list for Create Multiple Documents, whose files are staged beside it."""
    head = ("file", "external_id__v", "name__v", "type__v", "subtype__v", "lifecycle__v", "title__v")
    files = {
        "Swab Results March": "incoming/swab-results.csv",
        "Shift Notes 10 March": "incoming/shift-notes.txt",
        "Swab Results April": "",
    }
    kind = ("Record", "Batch Record", "General Lifecycle", "Line 3")
    return _csv([head, *((file, f"LOAD-000{n}", name, *kind) for n, (name, file) in enumerate(files.items(), 1))])


def swab_results() -> bytes:
    """Results of the cleaning SOP's swabs, as CSV."""
    places = ("Hopper, inner wall", "Pump housing", "Nozzle 7")
    rows = [
        (f"2026-03-{day:02d}", place, f"{1.2 + index + day % 3 * 0.4:.1f}")
        for day in (2, 9, 16, 23, 30)
        for index, place in enumerate(places)
    ]
    return _csv([("date", "place", "ug_per_25_cm2"), *rows])


REGISTER: tuple[tuple[str | float, ...], ...] = (
    ("Balance", "Room", "Range in g", "Calibrated", "Next"),
    ("BAL-01", "B 114", 220, "2026-01-20", "2026-07-20"),
    ("BAL-02", "B 114", 220, "2026-01-20", "2026-07-20"),
    ("BAL-03", "B 117", 520.5, "2026-01-21", "2026-07-21"),
    ("BAL-04", "Warehouse", 6200, "2025-11-11", "2026-05-11"),
)
SHIFT_NOTES = """\
Shift notes, 10 March 2026, early shift

06:00  Line 3 taken over with the green tag, cleaning record complete.
06:20  Batch 26-0121 started, 250 ml, nominal weight 250.0 g.
08:45  Nozzle 7 two tenths too light; adjusted, ten bottles rejected.
11:30  Batch finished: 4,180 bottles good, 23 rejected.
13:50  Rinse started (SOP-0001, step 2).
"""
TRAINING = """\
Training plan: new colleagues on filling line 3

Week 1
  - Read and understand: SOP-0001 Cleaning of Filling Line 3
  - Walk along the line with Tomás: valves, pump, nozzles, drain
  - Safety: hot water (60 °C) and cleaning solution

Week 2
  - Clean the line under supervision, twice
  - Take swabs, and take one to the laboratory yourself

Week 3
  - Read and understand: SOP-0002 Calibration of Analytical Balances
  - Test with Ines; 9 of 10 answers must be right
"""
NOTE = """\
Found in the printer of room B 117, not signed:

"Order 40 m of hose for line 3 before the end of the month. Ask if the blue one is still made."

Does this belong to a document? Please classify or delete it.
"""


def _csv(rows: list[tuple[object, ...]]) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode()
