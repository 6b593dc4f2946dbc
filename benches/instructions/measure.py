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
from cases import GET, SMALL_ANSWER, Case, Stage, Step, kept_alive
from house import PATIENCE, House, Unable, make_certificate
from lockstep import Origin

WARM_UP = 100
WINDOWS = 5


FILE = """\
state_dir = "{folder}/state"

[listen]
http    = "127.0.0.1:0"
https   = "127.0.0.1:{https}"
admin   = "127.0.0.1:0"
workers = 1

[listen.tls]
certificates = [{{ cert = "{folder}/tls.crt", key = "{folder}/tls.key" }}]

[backends.legacy]
endpoints = ["http://127.0.0.1:{legacy}"]
breaker   = {{ statuses = ["500-599"] }}

[backends.vastai]
endpoints = ["http://127.0.0.1:{vastai}"]
breaker   = {{ statuses = ["500-599"] }}

[[routes]]
name        = "chat"
match       = {{ path = "/v1/*" }}
primary     = "legacy"
candidate   = "vastai"
percent     = 50
fallback_on = ["502-504"]

[routes.guard]
enabled = true

[[routes]]
name    = "rest"
primary = "legacy"
"""
"""All that a file can turn on and that a request pays for: split, breakers, fallback, guard. Metrics are always on."""


@dataclass
class Measured:
    """What a case has cost."""

    steps: int
    """Of each window."""
    windows: list[Profile]
    name: str = ""

    def each(self) -> list[float]:
        """Instructions per step of each window."""
        return [window.steady() / self.steps for window in self.windows]

    def count(self) -> int:
        """The least. Whatever else happens only ever adds: on a slow machine there are more of the worker's ticks between
        two requests, and now and then a table grows."""
        return round(min(self.each()))

    def spread(self) -> float:
        """Between the windows."""
        return max(self.each()) / min(self.each()) - 1

    def allocations(self) -> float:
        """Per step."""
        return round(min(window.allocations() for window in self.windows) / self.steps, 1)

    def top(self, most: int, inclusive: bool) -> list[tuple[float, str]]:
        """The functions that cost most, with their instructions per step."""
        last = self.windows[-1]
        costs = last.with_calls if inclusive else last.own
        return [(cost / self.steps, name) for name, cost in costs.most_common(most)]


def measure(cases: list[Case], binary: Path) -> Iterator[Measured]:
    """Counts in a fresh house."""
    with contextlib.closing(Origin()) as origin, tempfile.TemporaryDirectory(prefix="instructions-") as name:
        folder = Path(name)
        make_certificate(folder)
        https = free_port()
        text = FILE.format(folder=folder, https=https, legacy=origin.listen(), vastai=origin.listen())
        with House(binary, folder, text, https) as house:
            stage = Stage(house, origin)
            with contextlib.ExitStack() as after:
                warm_up(stage, kept_alive(GET, SMALL_ANSWER)(stage, after))
            for case in cases:
                with contextlib.ExitStack() as after:
                    step = case.prepare(stage, after)
                    yield Measured(case.steps, windows(stage, step, case.steps), case.name)
            if house.route()["percent_effective"] != 50:
                raise Unable(f"the guard has moved the traffic, so the figures mean nothing:\n{house.said()}")


def warm_up(stage: Stage, step: Step) -> None:
    """Until the guard knows what is slow, and compares: from then on a request has all its costs."""
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


def windows(stage: Stage, step: Step, steps: int) -> list[Profile]:
    """What the steps of each window have cost."""
    for _ in range(min(WARM_UP, steps)):
        step()
    counted = []
    for _ in range(WINDOWS):
        stage.house.start_counting()
        for _ in range(steps):
            step()
        counted.append(stage.house.counted())
    return counted


def free_port() -> int:
    """One that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
