"""Streams of events, as language models answer."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from .. import load
from ..failure import Failure
from ..processes import LOAD_CORE, talking
from ..subjects import Subject
from .base import Figures, Scenario, Setting, cost, metered

STREAMS = 50
# As the source makes them.
EVENTS_PER_SECOND = 100
CLIENT = Path(load.__file__).with_name("event_client.py")


@dataclass(frozen=True, kw_only=True)
class Streams(Scenario):
    """A client that counts events, and in how many reads they came."""

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        command = [sys.executable, str(CLIENT), str(running.ports.plain), str(STREAMS)]
        with talking(LOAD_CORE, command) as client:
            expect(client, "READY")
            (events, reads), cpu = metered(running, lambda: _count(client, setting.seconds))
        due = STREAMS * EVENTS_PER_SECOND * setting.seconds
        if not 0.9 * due <= events <= 1.1 * due:
            raise Failure(f"{events} events came, and {due} were due")
        return cost(running, cpu, events) | {"per_read": events / max(reads, 1)}


def _count(client: Popen[str], seconds: int) -> tuple[int, int]:
    assert client.stdin
    client.stdin.write(f"{seconds}\n")
    client.stdin.flush()
    said = json.loads(expect(client, "{"))
    return said["events"], said["reads"]


def expect(client: Popen[str], beginning: str) -> str:
    """The next line of a client, which says why when it is not the one that is waited for."""
    assert client.stdout and client.stderr
    line = client.stdout.readline()
    if not line.startswith(beginning):
        raise Failure(f"{line}{client.stderr.read()}".strip() or "the client has ended")
    return line


SSE = Streams(
    name="sse",
    about=f"{STREAMS} streams of {EVENTS_PER_SECOND} events a second",
    columns={"cpu": "CPU µs/chunk", "user": "of it user", "per_read": "chunks/read"},
)
