"""``python -m benchmarks [NAME...] [--rounds N] [--quick]``: measures, prints, and writes ``docs/benchmarks.md``.

With ``BENCHMARK_LOUD=1`` in the environment the programs that are measured may write to the terminal.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable

from benchmarks import (
    exports,
    fan_out,
    files,
    footprint,
    history,
    large_job,
    machine,
    noops,
    page,
    profile_status,
    starts,
    status,
)
from benchmarks.measure import Comparison, Effort

ALL: dict[str, Callable[[Effort], list[Comparison]]] = {
    "status": status.run,
    "starts": starts.run,
    "noops": noops.run,
    "fan_out": fan_out.run,
    "large_job": large_job.run,
    "exports": exports.run,
    "files": files.run,
    "history": history.run,
    "footprint": footprint.run,
}
_PROFILE = "profile"


def main() -> None:
    """Measure what was asked for. What is not measured now keeps the results that it had."""
    asked = _arguments()
    effort = Effort(rounds=asked.rounds or (1 if asked.quick else 5), quick=asked.quick)
    described = machine.describe()
    failed = []
    for name in asked.names or [*ALL, _PROFILE]:
        began = time.monotonic()
        try:
            found = _measure(name, effort)
        except Exception:  # noqa: BLE001 - what comes after it is measured all the same
            traceback.print_exc()
            failed.append(name)
            continue
        print(f"{name}: {time.monotonic() - began:.0f} s\n", file=sys.stderr, flush=True)
        # After each: what is measured is not lost with the next.
        if not asked.quick:
            page.keep(page.merged(described, found, list(ALL)))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


def _measure(name: str, effort: Effort) -> dict[str, list[Comparison]] | str:
    """Measure one of them and print it; gives the comparisons by its name, or the table of the profile."""
    if name == _PROFILE:
        table = profile_status.measured(effort.of(100_000, 1000))
        print(table, flush=True)
        return table
    found = ALL[name](effort)
    for comparison in found:
        print("\n".join([*page.shown(comparison), *page.verdicts(comparison), ""]), flush=True)
    return {name: found}


def _arguments() -> argparse.Namespace:
    names = [*ALL, _PROFILE]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which: {', '.join(names)}; all of them without one")
    parser.add_argument("--rounds", type=int, help="how often each side is measured (default 5)")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that it works: nothing is written")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    return asked


if __name__ == "__main__":
    main()
