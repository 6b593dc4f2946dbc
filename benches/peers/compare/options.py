"""What can be said on the command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from .goals import ROUNDS_FOR_A_VERDICT
from .scenarios import SCENARIOS
from .subjects import DIRECT, NEEDED, PEERS

QUICK_ROUNDS, QUICK_SECONDS = 3, 2

ABOUT = """Compares figshift with other proxies on this machine. The proxy has a core of its own, load and backends have another one.
Prints a table in Markdown; what matters in it are the ratios. docs/performance.md tells how to read it."""
EXIT_CODES = """exit codes: 0 done; 1 something could not be measured or, with --gate, a goal was missed; 2 bad options, or nothing could
be measured; 3 with --gate, no verdict. FIGSHIFT_BIN names a binary of figshift to use in place of building one."""


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
    return Options(
        scenarios=said.scenarios,
        rounds=said.rounds or (QUICK_ROUNDS if said.quick else ROUNDS_FOR_A_VERDICT),
        seconds=said.seconds or (QUICK_SECONDS if said.quick else 4),
        peers=said.peers,
        others=said.subject,
        out=said.out,
        json=said.json,
        gate=said.gate,
        quick=said.quick,
        parts=said.parts,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benches/peers/run", description=ABOUT, epilog=EXIT_CODES)
    scenarios, peers = list(SCENARIOS), [*PEERS, DIRECT]
    parser.add_argument("--scenarios", metavar="A,B", type=_some_of(scenarios), default=scenarios, help=f"of {','.join(scenarios)}; default: all")
    parser.add_argument("--peers", metavar="A,B", type=_some_of(peers), default=peers, help=f"of {','.join(peers)}; default: all; direct is no proxy")
    parser.add_argument("--rounds", metavar="N", type=_whole(1, 1000), help=f"how often each scenario is run; default {ROUNDS_FOR_A_VERDICT}; fewer are no verdict")
    parser.add_argument("--seconds", metavar="N", type=_whole(1, 600), help="how long each time; default 4")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_ROUNDS} rounds of {QUICK_SECONDS} s: to see that it runs; no verdict")
    parser.add_argument(
        "--subject",
        metavar="NAME=CMD",
        action="append",
        default=[],
        help="one more subject: a binary of figshift, or any command with {plain} {tls} {h2c} {backend1} {backend2} {cert} {key} {folder} in it",
    )
    parser.add_argument("--out", metavar="FILE.md", type=Path, help="write the table there, too")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write the figures of each round there")
    parser.add_argument("--gate", action="store_true", help="exit with 1 when a goal was missed, with 3 when there is no verdict")
    # What `run` has to install for the other options.
    parser.add_argument("--parts", action="store_true", help=argparse.SUPPRESS)
    return parser


def _some_of(known: list[str]):  # noqa: ANN202
    def names(text: str) -> list[str]:
        chosen = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in chosen if name not in known]
        if unknown or not chosen:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown) or 'nothing'} is none of {', '.join(known)}")
        return [name for name in known if name in chosen]

    return names


def _whole(least: int, most: int):  # noqa: ANN202
    def number(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text} is no whole number from {least} to {most}")
        return int(text)

    return number
