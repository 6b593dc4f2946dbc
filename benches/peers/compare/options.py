"""What can be said on the command line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .goals import ROUNDS_FOR_A_VERDICT
from .scenarios import SCENARIOS
from .subjects import DIRECT, NEEDED, PEERS

SECONDS = 4
QUICK_ROUNDS, QUICK_SECONDS = 3, 2

ABOUT = """
Compares figshift with other proxies on this machine. The proxy has a core of its own, load and backends have another
one. Prints a table in Markdown; what matters in it are the ratios. docs/performance.md tells how to read it.
"""
AFTER = """
FIGSHIFT_BIN names a binary of figshift to measure in place of building one. Exit codes: 0 done; 1 something could not
be measured or, with --gate, a goal was missed; 2 bad options, or nothing could be measured; 3 with --gate, no verdict.
"""


@dataclass(frozen=True)
class Options:
    """What was said."""

    scenarios: list[str]
    rounds: int
    seconds: int
    peers: list[str]
    others: list[str]
    out: Path | None
    json: Path | None
    gate: bool
    quick: bool
    parts: bool


def parse(words: list[str]) -> Options:
    parser = _parser()
    said = parser.parse_args(words)
    if said.quick and said.gate:
        parser.error("--quick gives no verdict, so there is nothing for --gate")
    missing = [peer for peer in NEEDED if peer not in said.peers]
    if missing and said.gate:
        parser.error(f"--gate needs {' and '.join(missing)} among the peers")
    for path in (said.out, said.json):
        if path and not path.absolute().parent.is_dir():
            parser.error(f"{path}: there is no folder {path.absolute().parent}")
    return Options(
        scenarios=said.scenarios,
        rounds=said.rounds or (QUICK_ROUNDS if said.quick else ROUNDS_FOR_A_VERDICT),
        seconds=said.seconds or (QUICK_SECONDS if said.quick else SECONDS),
        peers=said.peers,
        others=said.subject,
        out=said.out,
        json=said.json,
        gate=said.gate,
        quick=said.quick,
        parts=said.parts,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=ABOUT, epilog=AFTER, allow_abbrev=False)
    scenarios, peers = list(SCENARIOS), [*PEERS, DIRECT]

    def add(name: str, meaning: str, **more: object) -> None:
        parser.add_argument(name, help=meaning, **more)  # type: ignore[arg-type]

    some = f"of {', '.join(scenarios)}; default: all"
    add("--scenarios", some, metavar="A,B", type=_some_of(scenarios), default=scenarios)
    some = f"of {', '.join(peers)}; default: all; {DIRECT} is no proxy at all"
    add("--peers", some, metavar="A,B", type=_some_of(peers), default=peers)
    fewer = f"how often each scenario is run; default {ROUNDS_FOR_A_VERDICT}; fewer are no verdict"
    add("--rounds", fewer, metavar="N", type=_whole(1, 1000))
    add("--seconds", f"how long each time; default {SECONDS}", metavar="N", type=_whole(1, 600))
    add("--quick", f"{QUICK_ROUNDS} rounds of {QUICK_SECONDS} s: shows that it runs; no verdict", action="store_true")
    another = "one more subject: another binary of figshift, or any command with {plain}, {tls}, {h2c}, {backend1},"
    another += " {backend2}, {cert}, {key} or {folder} in it; may be said several times"
    add("--subject", another, metavar="NAME=CMD", action="append", default=[])
    add("--out", "write the table there, too", metavar="FILE.md", type=Path)
    add("--json", "write the figures of each round there", metavar="FILE", type=Path)
    add("--gate", "exit with 1 when a goal was missed, with 3 when there is no verdict", action="store_true")
    # For `run`: which parts the other options need.
    add("--parts", argparse.SUPPRESS, action="store_true")
    return parser


def _some_of(known: list[str]) -> Callable[[str], list[str]]:
    def names(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'} is none of {', '.join(known)}")
        return [name for name in known if name in chosen]

    return names


def _whole(least: int, most: int) -> Callable[[str], int]:
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most}")
        return int(text)

    return number
