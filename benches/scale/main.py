"""Draws the curves as Markdown tables."""

from __future__ import annotations

import argparse
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "instructions"))

import curves  # noqa: E402  (the modules of the other bench are found by the line above)
import house  # noqa: E402
import lockstep  # noqa: E402
import proxy  # noqa: E402


def table(title: str, rows: list[list[str]]) -> str:
    """In Markdown."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return f"### {title}\n\n" + "\n".join(lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benches/scale/run", description=__doc__)
    parser.add_argument("curve", nargs="*", help=f"which ones: {', '.join(curves.ALL)}; default: all")
    parser.add_argument("--bin", type=Path, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rounds", type=int, default=3, help="of each point, of which the cheapest counts (3)")
    parser.add_argument("--seconds", type=float, default=2.0, help="that are looked at in each round (2)")
    given = parser.parse_args()
    if unknown := set(given.curve) - set(curves.ALL):
        parser.error(f"no such curve: {', '.join(sorted(unknown))}")
    return given


def draw(given: argparse.Namespace, folder: Path) -> None:
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    cores = len(proxy.CORES)
    print(f"{cores} cores, {platform.system()} {platform.release()}, at most {limit:,} open files in a process.")
    print(f"The cheapest of {given.rounds} rounds of {given.seconds:g} s.", flush=True)
    setting = curves.Setting(given.bin, folder, given.rounds, given.seconds, limit)
    for name, curve in curves.ALL.items():
        if given.curve and name not in given.curve:
            continue
        begun = time.monotonic()
        title = (curve.__doc__ or name).strip().rstrip(".")
        print(f"\n{table(title, list(curve(setting)))}", flush=True)
        print(f"{name}: {time.monotonic() - begun:.0f} s", file=sys.stderr, flush=True)


def main() -> int:
    given = arguments()
    try:
        with tempfile.TemporaryDirectory(prefix="scale-") as name:
            folder = Path(name)
            house.make_certificate(folder)
            draw(given, folder)
    except (proxy.Unable, house.Unable, lockstep.Broken) as error:
        print(f"FAILED: {error}", file=sys.stderr)
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
