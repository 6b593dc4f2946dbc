"""The tables, in Markdown."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from . import machine
from .goals import ROUNDS_FOR_A_VERDICT, Verdict, Word, doubt, judge
from .results import Results
from .scenarios import SCENARIOS, Scenario
from .subjects import DIRECT, FIGSHIFT, HAPROXY, NGINX, PEERS, Subject

REFERENCES = (HAPROXY, NGINX)


@dataclass(frozen=True)
class Run:
    """What was run."""

    scenarios: list[str]
    rounds: int
    seconds: int
    subjects: list[Subject]
    # Peers that were asked for and are not there.
    missing: list[str]
    results: Results
    # Rounds that were finished, when somebody ended it early.
    cut_after: int | None = None

    @property
    def finished(self) -> int:
        return self.rounds if self.cut_after is None else self.cut_after

    @property
    def names(self) -> list[str]:
        return [subject.name for subject in self.subjects]

    def verdicts(self) -> list[Verdict]:
        return judge(self.results, self.finished, self.scenarios, self.names)


def markdown(run: Run) -> str:
    parts = [_head(run), _goals(run), *(_scenario(run, SCENARIOS[name]) for name in run.scenarios), _made_of(run)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _table(titles: list[str], rows: Iterable[list[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _head(run: Run) -> str:
    text = (
        f"Rounds: {run.finished}, of {run.seconds} s each. Figures are medians, ratios medians of those of each round."
    )
    if run.cut_after is not None:
        text += f" **Ended early, in round {run.cut_after + 1} of {run.rounds}.**"
    if run.finished < ROUNDS_FOR_A_VERDICT:
        text += f" **No verdict: {run.finished} of {ROUNDS_FOR_A_VERDICT} rounds.**"
    elif any(verdict.word is Word.NO_VERDICT for verdict in run.verdicts()):
        text += " **Not everything here is a verdict.**"
    if run.missing:
        text += f" **Not measured, since not there: {', '.join(run.missing)}.**"
    return text


def _goals(run: Run) -> str:
    verdicts = run.verdicts()
    if not verdicts:
        return ""
    rows = [
        [
            verdict.goal.scenario,
            _figure_title(verdict),
            f"{FIGSHIFT} / {verdict.goal.peer}" if verdict.goal.peer else FIGSHIFT,
            "-" if verdict.value is None else f"{verdict.value:.2f}",
            f"≤ {verdict.goal.limit:.2f}",
            _word(verdict),
        ]
        for verdict in verdicts
    ]
    return "### Goals\n\n" + _table(["scenario", "figure", "of", "measured", "goal", "verdict"], rows)


def _figure_title(verdict: Verdict) -> str:
    columns = SCENARIOS[verdict.goal.scenario].columns
    title = columns[verdict.goal.figure]
    return f"user part of {columns['cpu']}" if verdict.goal.figure == "user" else title


def _word(verdict: Verdict) -> str:
    if verdict.word is Word.MISSED:
        return "**missed**"
    return f"no verdict: {verdict.why}" if verdict.why else verdict.word.value


def _scenario(run: Run, scenario: Scenario) -> str:
    measured = run.results.subjects(scenario.name)
    others = set(measured) - {FIGSHIFT, DIRECT, *PEERS}
    # Another build of figshift is compared with the one at hand.
    references = [name for name in (*REFERENCES, *([FIGSHIFT] if others else [])) if name in measured]
    user = " (user)" if "user" in scenario.columns else ""
    titles = ["subject", *scenario.columns.values(), *(f"/ {name}{user}" for name in references), "from, to", "verdict"]
    rows = [_row(run, scenario, name, references) for name in run.names if name in measured]
    return f"### `{scenario.name}`: {scenario.about}\n\n" + (_table(titles, rows) if rows else "Not measured.")


def _row(run: Run, scenario: Scenario, subject: str, references: list[str]) -> list[str]:
    results = run.results
    figures = [_number(results.median(scenario.name, subject, figure)) for figure in scenario.columns]
    ratios = [_ratio(results, scenario, subject, reference) for reference in references]
    values = results.values(scenario.name, subject, scenario.main).values()
    spread = f"{_number(min(values))}, {_number(max(values))}" if values else "-"
    return [subject, *figures, *ratios, spread, _row_verdict(run, scenario, subject, references)]


def _ratio(results: Results, scenario: Scenario, subject: str, reference: str) -> str:
    figures = [scenario.main, *(["user"] if "user" in scenario.columns else [])]
    ratios = [results.ratio(scenario.name, subject, reference, figure) for figure in figures]
    main, *user = ["-" if ratio is None else f"{ratio:.2f}" for ratio in ratios]
    return f"{main} ({user[0]})" if user and main != "-" else main


def _row_verdict(run: Run, scenario: Scenario, subject: str, references: list[str]) -> str:
    failure = run.results.failure(scenario.name, subject)
    if failure:
        return f"**failed**: {failure}".replace("|", "\\|").replace("\n", " ")
    if subject == DIRECT:
        return ""
    # A ratio proves no more than what it is a ratio to.
    why = doubt(run.results, run.finished, scenario.name, subject, *references)
    return f"no verdict: {why}" if why else ""


def _number(value: float | None) -> str:
    """With three digits that mean something."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _made_of(run: Run) -> str:
    rows = [[subject.name, subject.version()] for subject in run.subjects if subject.is_proxy]
    rows += [["load and backends", machine.tools()], ["kernel", f"{machine.kernel()}, {machine.congestion_control()}"]]
    rows += [["processor", machine.processor()], ["measured", time.strftime("%Y-%m-%d", time.gmtime())]]
    return "### Measured with\n\n" + _table(["what", "version"], rows)
