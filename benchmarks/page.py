"""Results kept in a file, and the page that is made of them."""

import msgspec
from benchmarks.measure import Bound, Comparison, Side
from benchmarks.servers import ROOT

RESULTS = ROOT / "benchmarks" / "results.json"
PAGE = ROOT / "docs" / "benchmarks.md"
_HEAD = """# Benchmarks

Made by `make bench`, which measures each thing beside its peers in the same run: all sides once in every round, one
after the other, so that whatever else the machine does meanwhile meets all of them. A figure is the median of the
rounds; a ratio is one of two medians. Every result is verified: bodies, counts, statuses, checksums. Figures change
with the machine; ratios less so.
"""


_NOTES = {"p50": "p50, ms", "p99": "p99, ms", "cpu": "CPU, % of a core", "memory": "memory, MB"}
_PROFILE = """## What each microsecond goes to

The CPU time of one call in the web process, in microseconds, without the sockets: reading the status of a job that has
ended (JSON, XML) and of one that is running, on 16 connections; starting a job, over HTTP and by the service function,
by 8 clients. Beside it the bare callable of above. By the sampler of `python -m benchmarks.profile_status`.
"""


class Results(msgspec.Struct):
    """What was measured on one machine: comparisons, by the name of the benchmark."""

    machine: dict[str, str]
    found: dict[str, list[Comparison]]
    profile: str = ""


def merged(machine: dict[str, str], found: dict[str, list[Comparison]] | str, order: list[str]) -> Results:
    """Put new results (comparisons, or a profile) beside those that are kept.

    What another machine has measured, or other versions of the libraries, is dropped.
    """
    kept = msgspec.json.decode(RESULTS.read_bytes(), type=Results) if RESULTS.exists() else Results(machine, {})
    if _identity(kept.machine) != _identity(machine):
        kept = Results(machine, {})
    if isinstance(found, str):
        return Results(machine, kept.found, found)
    together = kept.found | found
    return Results(machine, {name: together[name] for name in order if name in together}, kept.profile)


def keep(results: Results) -> None:
    """Write the results to their file, and the page."""
    RESULTS.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    PAGE.write_text(text(results))


def text(results: Results) -> str:
    """The page."""
    comparisons = [comparison for several in results.found.values() for comparison in several]
    rows = [_asked(comparison, bound) for comparison in comparisons for bound in comparison.bounds]
    lines = [
        _HEAD,
        "## The machine\n",
        *_table(["what", "which"], [list(pair) for pair in results.machine.items()]),
        "## What is asked, and what is reached\n",
        *_table(["what", "asked", "reached", "so it is"], rows),
    ]
    for comparison in comparisons:
        lines += shown(comparison)
    if results.profile:
        lines += [_PROFILE, "```text", results.profile, "```"]
    return "\n".join(lines).rstrip() + "\n"


def shown(comparison: Comparison) -> list[str]:
    """One comparison: the medians of each side, in the columns that there is something for."""
    rows = [_row(side, comparison.unit) for side in comparison.sides]
    head = ["side", comparison.unit, "lowest to highest", *_NOTES.values(), "CPU each, µs"]
    used = [place for place in range(len(head)) if any(row[place] for row in rows)]
    table = _table([head[place] for place in used], [[row[place] for place in used] for row in rows])
    rounds = max(len(side.values) for side in comparison.sides)
    counted = "One round only: no median, and a hint at most." if rounds == 1 else f"{rounds} rounds."
    return [f"## {comparison.title}\n", f"{comparison.remark} {counted}\n", *table]


def verdicts(comparison: Comparison) -> list[str]:
    """What is asked of a comparison, as lines for a terminal."""
    return ["  {}: asked {}, reached {}: {}".format(*_asked(comparison, bound)) for bound in comparison.bounds]


def _row(side: Side, unit: str) -> list[str]:
    notes = [_figure(side.note(name)) for name in _NOTES]
    spread = f"{_figure(min(side.values))} to {_figure(max(side.values))}"
    return [side.name, _figure(side.median), spread, *notes, _figure(_each(side, unit))]


def _each(side: Side, unit: str) -> float | None:
    """What one of the things costs of a core, in microseconds, where things are counted by the second."""
    cpu = side.note("cpu")
    return cpu / 100 / side.median * 1e6 if cpu and unit.endswith("s/s") else None


def _asked(comparison: Comparison, bound: Bound) -> list[str]:
    rival = comparison.rival(bound)
    word, limit = ("at least", bound.at_least) if bound.at_least is not None else ("at most", bound.at_most)
    if rival is None:
        asked, reached = (
            f"{word} {limit:g} {comparison.unit}",
            f"{_figure(comparison.reached(bound))} {comparison.unit}",
        )
    else:
        asked, reached = f"{word} {limit:g} x {rival.name}", f"{comparison.reached(bound):.2f} x"
    kept = "kept" if comparison.holds(bound) else "**missed**"
    return [f"{comparison.title}: {bound.side}", asked, reached, kept]


def _figure(value: float | None) -> str:
    if value is None:
        return ""
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 else f"{value:.1f}" if size >= 10 else f"{value:.2f}"


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return [*("| " + " | ".join(line) + " |" for line in lines), ""]


def _identity(machine: dict[str, str]) -> dict[str, str]:
    """What two runs on one machine have in common: the time of an fsync varies."""
    return {name: value.partition(";")[0] for name, value in machine.items()}
