"""``make crash``: kills by the hundred on a server under work; prints the counts, and puts them into a page.

``make crash KILLS=500 SEED=1``; what a failure prints repeats the round in which it was seen.
"""

import argparse
import re
import sys
from pathlib import Path

from tests.process.crashes import campaign
from tests.process.crashes.books import Books, Wrong
from tests.process.crashes.plan import Victim, drawn

PLACE = re.compile(r"(<!-- counts of make crash -->\n).*(<!-- end of counts -->\n)", re.DOTALL)


def main() -> int:
    """Carry out a campaign; the exit code is 1 if anything was wrong."""
    given = _arguments()
    again = f"make crash SEED={given.seed} FIRST={given.first} KILLS={given.kills}"
    _say(again)
    try:
        books = campaign.run(drawn(given.seed, given.kills, given.first), _say, given.minutes)
    except BaseException:
        _say(f"it broke off; again: {again}")
        raise
    told = table(books, given.seed)
    _say(told)
    if books.wrong:
        _say(f"again: {again}\na round alone: the same with its number as FIRST, and KILLS=1")
    elif given.write:
        page = Path(given.write)
        page.write_text(PLACE.sub(lambda place: f"{place[1]}{told}{place[2]}", page.read_text()))
    return 1 if books.wrong else 0


def table(books: Books, seed: int) -> str:
    """The counts in Markdown."""
    lines = [
        "| killed | times | jobs in the air then | from the last kill to the last SUCCESS, at most |",
        "|---|---|---|---|",
    ]
    for victim in Victim:
        row = books.row(victim)
        longest = f"{row.longest:.1f} s" if row.longest else ""
        lines.append(f"| {victim} | {row.kills} | {row.jobs} | {longest} |")
    kills = sum(row.kills for row in books.rows.values())
    answered = [made for made in books.exports if made.job_id is not None]
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(books.statuses.items()))
    wrong = ", ".join(f"{books.wrong[each]} {each}" for each in Wrong)
    return (
        "\n".join(lines)
        + f"\n\n{kills} kills (seed {seed}) over {len(answered)} jobs of 200 documents; {books.files} files compared "
        f"by SHA-256: **{wrong}**. {books.unanswered} starting calls got no answer, since a kill came into them or "
        f"the server was down; {books.unanswered_done} of them had become jobs, which ended whole, the others had left "
        f"nothing. A moment before the kill the jobs were: {statuses}.\n"
    )


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.process.crashes")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=1, help="the number of the first round")
    parser.add_argument("--minutes", type=float, default=1e6, help="begin no further round after so long")
    parser.add_argument("--write", help="the page whose counts are to be written anew")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
