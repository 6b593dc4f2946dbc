"""What all scenarios have."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..fleet import Fleet, Running
from ..processes import Processes
from ..subjects import Subject
from ..usage import Cpu

# What was found of one subject in one round, by the name of the figure.
Figures = dict[str, float]

Result = TypeVar("Result")

# So that connections to backends stand, and code and caches are warm.
WARM_UP = 1


@dataclass(frozen=True)
class Setting:
    """What a scenario works with."""

    fleet: Fleet
    processes: Processes
    seconds: int


@dataclass(frozen=True, kw_only=True)
class Scenario(ABC):
    """One way to use a proxy, and what it costs."""

    name: str
    # What it is, for the table.
    about: str
    # What is shown of it: the title by the key in `Figures`. Ratios are taken of the first one.
    columns: dict[str, str]
    # Whether it is a matter of time, so that it has to be repeated in each round.
    every_round: bool = True
    # Whether there is something to be seen with no proxy in between.
    of_direct: bool = True

    @property
    def main(self) -> str:
        return next(iter(self.columns))

    @abstractmethod
    def measure(self, subject: Subject, setting: Setting) -> Figures:
        """Of one subject, once."""


def metered(running: Running, work: Callable[[], Result]) -> tuple[Result, Cpu, float]:
    """The result of some work, what it has cost the subject, and how long it took."""
    before, start = running.reading(), time.monotonic()
    result = work()
    seconds = time.monotonic() - start
    return result, running.reading().since(before), seconds


def per(running: Running, cpu: Cpu, count: float, scale: float = 1e6) -> tuple[float, float] | None:
    """CPU and its user part for each of so many, by default in microseconds; of a subject that is none, nothing."""
    if not running.is_proxy:
        return None
    return cpu.total * scale / count, cpu.user * scale / count
