"""What figshift has to reach, with everything on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .results import Results
from .subjects import FIGSHIFT, HAPROXY, NGINX

# With fewer rounds the median of the ratios is mostly luck.
ROUNDS_FOR_A_VERDICT = 9
# The share of a core that a subject has to use at saturation; below it something else was the limit.
BUSY_FOR_A_VERDICT = 0.9
SATURATED = "sat"


@dataclass(frozen=True)
class Goal:
    """A figure of figshift must not be above the limit: its ratio to a peer, or itself."""

    scenario: str
    limit: float
    peer: str | None
    figure: str = "cpu"


GOALS = [
    Goal("sat", 1.00, HAPROXY),
    Goal("sat", 0.90, HAPROXY, "user"),
    Goal("sat", 1.05, NGINX),
    Goal("sat", 0.50, "envoy"),
    Goal("sat", 0.60, "pingora"),
    Goal("sat", 0.25, "caddy"),
    Goal("rate", 1.00, HAPROXY),
    Goal("rate", 1.05, NGINX),
    Goal("rate", 1.00, HAPROXY, "p50"),
    Goal("rate", 1.00, NGINX, "p50"),
    Goal("k10", 1.10, HAPROXY),
    Goal("m1", 0.80, HAPROXY),
    Goal("m1", 0.80, NGINX),
    Goal("post", 1.10, HAPROXY),
    Goal("noka", 1.15, HAPROXY),
    Goal("sse", 0.80, HAPROXY),
    Goal("sse", 1.00, NGINX),
    Goal("h2c", 1.15, HAPROXY),
    Goal("h2c", 0.80, NGINX),
    Goal("tls1", 0.90, HAPROXY),
    Goal("tls1", 1.00, NGINX),
    Goal("tls2", 1.15, HAPROXY),
    Goal("tls2", 0.80, NGINX),
    Goal("hs", 0.80, HAPROXY),
    Goal("hs", 0.85, NGINX),
    Goal("idle", 16.0, None, "kib_per_connection_9500"),
]


class Word(Enum):
    """What is said of a goal."""

    MET = "met"
    MISSED = "missed"
    NO_VERDICT = "no verdict"


@dataclass(frozen=True)
class Verdict:
    """A goal and what came of it."""

    goal: Goal
    value: float | None
    word: Word
    why: str = ""


def doubt(results: Results, rounds: int, scenario: str, *subjects: str) -> str:
    """Why a figure of a scenario, or a ratio of two, proves nothing; empty when it does."""
    if rounds < ROUNDS_FOR_A_VERDICT:
        return f"{rounds} of {ROUNDS_FOR_A_VERDICT} rounds"
    for subject in subjects:
        failure = results.failure(scenario, subject)
        if failure:
            return f"{subject} failed"
        busy = results.median(scenario, subject, "busy")
        if scenario == SATURATED and busy is not None and busy < BUSY_FOR_A_VERDICT:
            others = results.median(scenario, subject, "others") or 0.0
            return f"{subject} used {busy:.2f} of its core, others {others:.2f}"
    return ""


def judge(results: Results, rounds: int, scenarios: list[str], subjects: list[str]) -> list[Verdict]:
    """Of each goal whose scenario and peer were chosen and are there."""
    return [
        _judge(results, rounds, goal)
        for goal in GOALS
        if goal.scenario in scenarios and FIGSHIFT in subjects and (goal.peer is None or goal.peer in subjects)
    ]


def _judge(results: Results, rounds: int, goal: Goal) -> Verdict:
    if goal.peer:
        value = results.ratio(goal.scenario, FIGSHIFT, goal.peer, goal.figure)
    else:
        value = results.median(goal.scenario, FIGSHIFT, goal.figure)
    why = doubt(results, rounds, goal.scenario, FIGSHIFT, *([goal.peer] if goal.peer else []))
    if value is None or why:
        return Verdict(goal, value, Word.NO_VERDICT, why or "not measured")
    return Verdict(goal, value, Word.MET if value <= goal.limit else Word.MISSED)


def exit_code(verdicts: list[Verdict]) -> int:
    """0: all met; 1: one was missed; 3: of one nothing can be said."""
    words = {verdict.word for verdict in verdicts}
    if Word.MISSED in words:
        return 1
    return 3 if Word.NO_VERDICT in words or not verdicts else 0
