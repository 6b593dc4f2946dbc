"""Counts the cases, one after the other in one house."""

from __future__ import annotations

import contextlib
import socket
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from callgrind import Profile
from cases import GET, SMALL_ANSWER, Case, Stage, kept_alive
from house import PATIENCE, House, Unable, make_certificate
from lockstep import Origin

WARM_UP = 100
WINDOWS = 5


@dataclass
class Measured:
    """What a case has cost."""

    case: Case
    windows: list[Profile]

    def each(self) -> list[float]:
        """Instructions per step of each window."""
        return [window.steady() / self.case.steps for window in self.windows]

    def count(self) -> int:
        """The least. Whatever else happens only ever adds: on a slow machine there are more of the worker's ticks between
        two requests, and now and then a table grows."""
        return round(min(self.each()))

    def spread(self) -> float:
        """Between the windows."""
        return max(self.each()) / min(self.each()) - 1

    def allocations(self) -> float:
        """Per step."""
        return round(min(window.allocations() for window in self.windows) / self.case.steps, 1)

    def top(self, most: int, inclusive: bool) -> list[tuple[float, str]]:
        """The functions that cost most, with their instructions per step."""
        last = self.windows[-1]
        costs = last.with_calls if inclusive else last.own
        return [(cost / self.case.steps, name) for name, cost in costs.most_common(most)]


def measure(cases: list[Case], binary: Path) -> Iterator[Measured]:
    """Counts in a fresh house."""
    with contextlib.closing(Origin()) as origin, tempfile.TemporaryDirectory(prefix="instructions-") as name:
        folder = Path(name)
        make_certificate(folder)
        with House(binary, folder, origin.open(), free_port()) as house:
            stage = Stage(house, origin)
            warm_up(stage)
            for case in cases:
                yield Measured(case, windows(case, stage))
            if house.route()["percent_effective"] != 50:
                raise Unable(f"the guard has moved the traffic, so the figures mean nothing:\n{house.said()}")


def warm_up(stage: Stage) -> None:
    """Until the guard knows what is slow, and compares: from then on a request has all its costs."""
    with contextlib.ExitStack() as after:
        step = kept_alive(GET, SMALL_ANSWER)(stage, after)
        end = time.monotonic() + PATIENCE
        while stage.house.route()["guard"].get("limits") is None:
            if time.monotonic() > end:
                raise Unable("the guard learns nothing")
            for _ in range(WARM_UP):
                step()
        # It holds from the next second on.
        known = time.monotonic()
        while time.monotonic() < known + 1.5:
            step()


def windows(case: Case, stage: Stage) -> list[Profile]:
    with contextlib.ExitStack() as after:
        step = case.prepare(stage, after)
        for _ in range(min(WARM_UP, case.steps)):
            step()
        counted = []
        for _ in range(WINDOWS):
            stage.house.start_counting()
            for _ in range(case.steps):
                step()
            counted.append(stage.house.counted())
        return counted


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
