"""Counts the cases, prints the table and compares it with the record."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import record as records
from cases import CASES, Case
from house import Unable
from lockstep import Broken
from measure import WINDOWS, Measured, measure
from record import Figures, Record

EXPECTED = Path(__file__).with_name("expected.txt")
TOLERANCE = 0.02


def show(name: str, cells: list[str]) -> None:
    """A line of a table."""
    print(f"{name:<14}" + "".join(f"{cell:>13}" for cell in cells), flush=True)


def change(now: Figures, before: Figures) -> float:
    return now.instructions / before.instructions - 1


def verdict(now: Figures, before: Figures | None) -> str:
    """The change, and what is to be thought of it."""
    if before is None:
        return "not recorded"
    by = change(now, before)
    word = "WORSE" if by > TOLERANCE else "better" if by < -TOLERANCE else ""
    return f"{by:+.1%} {word}".rstrip()


def tell_functions(measured: Measured, most: int, inclusive: bool) -> None:
    """Where the instructions are, as parts of all of the case, the inside of the allocator included."""
    whole = measured.windows[-1].total() / measured.steps
    for cost, name in measured.top(most, inclusive):
        print(f"  {cost / whole:6.1%} {cost:>9.0f}  {name}")


def conclude(now: dict[str, Figures], here: dict[str, str], known: Record) -> int:
    """Says what follows from the comparison; gives the exit code."""
    changes = {name: change(figures, known.figures[name]) for name, figures in now.items() if name in known.figures}
    worse = [name for name, by in changes.items() if by > TOLERANCE]
    for name in worse:
        counted, recorded = now[name].instructions, known.figures[name].instructions
        print(f"\nFAILED: {name}: {counted} instructions, {recorded} are recorded ({changes[name]:+.1%}).")
    if worse:
        print(
            "Either find what has grown: `--case NAME --top 40` for this binary, and for the one before.\n"
            "Or, if it is worth that, renew the record with `--record`, and say in the commit what it is for."
        )
    elsewhere = False
    for name, value in here.items():
        if (before := known.surroundings.get(name, value)) != value:
            elsewhere = True
            print(f"\nNote: the record was made with {name} {before}, this is {value}, which alone can move all figures.")
    if better := [name for name, by in changes.items() if by < -TOLERANCE]:
        print(f"\nNote: better than recorded: {', '.join(better)}. Keep it by renewing the record with `--record`.")
    for name in changes:
        asked, then = now[name].allocations, known.figures[name].allocations
        if abs(asked - then) >= 0.5:
            print(f"\nNote: {name}: {asked} allocations, {then} are recorded.")
    if missing := [name for name in now if name not in known.figures]:
        print(f"\nNote: not recorded yet: {', '.join(missing)}. `--record` does that.")
    # Nobody is held to a record of other surroundings.
    return (3 if elsewhere else 1) if worse else 0


def compare(cases: list[Case], given: argparse.Namespace) -> int:
    """Counts once."""
    known, here = records.read(EXPECTED), records.surroundings(given.bin)
    begun, now = time.monotonic(), {}
    show("case", ["counted", "recorded", "windows", "allocations", "change"])
    for measured in measure(cases, given.bin):
        name, figures = measured.name, Figures(measured.count(), measured.allocations())
        now[name], before = figures, known.figures.get(name)
        recorded = str(before.instructions) if before else "-"
        cells = [str(figures.instructions), recorded, f"{measured.spread():.2%}", str(figures.allocations)]
        show(name, [*cells, verdict(figures, before)])
        tell_functions(measured, given.top, given.inclusive)
    print(f"Instructions per request, the least of {WINDOWS} windows. {time.monotonic() - begun:.0f} s.")
    if given.record:
        kept = {case.name: known.figures[case.name] for case in CASES if case.name in known.figures}
        records.write(EXPECTED, Record({**kept, **now}, here))
        print(f"Recorded in {EXPECTED.name}.")
        return 0
    return conclude(now, here, known)


def repeat(cases: list[Case], given: argparse.Namespace) -> int:
    """How far the figure of a case moves from run to run."""
    runs = []
    for run in range(given.repeat):
        runs.append([measured.count() for measured in measure(cases, given.bin)])
        print(f"run {run + 1} of {given.repeat}: {' '.join(map(str, runs[-1]))}", file=sys.stderr, flush=True)
    show("case", [f"run {run + 1}" for run in range(given.repeat)] + ["spread"])
    for case, counts in zip(cases, zip(*runs, strict=True), strict=True):
        show(case.name, [str(count) for count in counts] + [f"{max(counts) / min(counts) - 1:.2%}"])
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/instructions/run", description=__doc__)
    parser.add_argument("--bin", type=Path, required=True, help=argparse.SUPPRESS)
    names = [case.name for case in CASES]
    parser.add_argument("--case", action="append", choices=names, metavar="NAME", help=f"only this one: {', '.join(names)}")
    parser.add_argument("--record", action="store_true", help="write what was counted into expected.txt")
    parser.add_argument("--top", type=int, default=0, metavar="N", help="the N functions that cost most, of each case")
    parser.add_argument("--inclusive", action="store_true", help="with --top: with all that a function calls")
    parser.add_argument("--repeat", type=int, default=0, metavar="N", help="run N times, show how steady it is, compare nothing")
    return parser.parse_args()


def main() -> int:
    given = arguments()
    cases = [case for case in CASES if not given.case or case.name in given.case]
    try:
        return repeat(cases, given) if given.repeat else compare(cases, given)
    except (Unable, Broken) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 4


if __name__ == "__main__":
    sys.exit(main())
