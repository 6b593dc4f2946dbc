"""All figures, by scenario, subject and round."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from .scenarios import Figures


@dataclass
class Results:
    """What has been measured so far, and what could not be."""

    rounds: dict[str, dict[str, dict[int, Figures]]] = field(default_factory=dict)
    failures: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, scenario: str, subject: str, number: int, figures: Figures) -> None:
        self.rounds.setdefault(scenario, {}).setdefault(subject, {})[number] = figures

    def fail(self, scenario: str, subject: str, why: str) -> None:
        """The first reason is kept; a subject that has failed has no figures in this scenario."""
        self.failures.setdefault(scenario, {}).setdefault(subject, why)

    def failure(self, scenario: str, subject: str) -> str | None:
        return self.failures.get(scenario, {}).get(subject)

    def subjects(self, scenario: str) -> list[str]:
        return list(self.rounds.get(scenario, {}) | self.failures.get(scenario, {}))

    def values(self, scenario: str, subject: str, figure: str) -> dict[int, float]:
        """By round; none of a subject that has failed once, since who drops work is fast."""
        if self.failure(scenario, subject):
            return {}
        found = self.rounds.get(scenario, {}).get(subject, {})
        return {number: figures[figure] for number, figures in found.items() if figure in figures}

    def median(self, scenario: str, subject: str, figure: str) -> float | None:
        values = self.values(scenario, subject, figure)
        return statistics.median(values.values()) if values else None

    def ratios(self, scenario: str, subject: str, reference: str, figure: str) -> list[float]:
        """Of each round in which both were measured. Both sides of a ratio were taken within some seconds of each other, so
        that a neighbour of the machine who comes and goes has touched both or is an outlier, which the median leaves out."""
        ours = self.values(scenario, subject, figure)
        theirs = self.values(scenario, reference, figure)
        return [ours[number] / theirs[number] for number in ours if theirs.get(number)]

    def ratio(self, scenario: str, subject: str, reference: str, figure: str) -> float | None:
        ratios = self.ratios(scenario, subject, reference, figure)
        return statistics.median(ratios) if ratios else None
