"""What all scenarios have."""

from __future__ import annotations

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


def metered(running: Running, work: Callable[[], Result]) -> tuple[Result, Cpu]:
    """The result of some work, and what it has cost the subject."""
    before = running.reading()
    result = work()
    return result, running.reading().since(before)


def cost(running: Running, cpu: Cpu, count: float, scale: float = 1e6) -> Figures:
    """CPU and its user part for each of so many, by default in microseconds. Where there is no subject it costs nothing, which
    is no figure."""
    if not running.is_proxy:
        return {}
    return {"cpu": cpu.total * scale / count, "user": cpu.user * scale / count}


def throughput(running: Running, cpu: Cpu, requests: int, seconds: float) -> Figures:
    """Requests per second, and the share of its core that the subject used for them: below one, something else was the limit,
    which may be others on that core."""
    figures = {"rps": requests / seconds}
    return figures | {"busy": cpu.total / seconds, "others": cpu.others / seconds} if running.is_proxy else figures
