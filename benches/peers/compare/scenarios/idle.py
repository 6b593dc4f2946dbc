"""What a connection costs that does nothing."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path

from .. import limits, load
from ..failure import Failure
from ..fleet import Running
from ..processes import LOAD_CORE, talking
from ..subjects import Subject
from .base import Figures, Scenario, Setting
from .streams import expect

CLIENT = Path(load.__file__).with_name("idle_client.py")
FEW, MANY = 1000, 9500
# Until what was allocated for a while is given back.
SETTLE = 1.0


@dataclass(frozen=True, kw_only=True)
class Idle(Scenario):
    """Memory before and with connections that have had one answer each."""

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        # Some proxies let clients have half of the files, so that each can have a connection to a backend.
        allowed = limits.files()
        if allowed < 2 * MANY + limits.RESERVE:
            raise Failure(f"{allowed} open files are allowed, and {MANY} connections need {2 * MANY + limits.RESERVE}")
        return {f"kib_per_connection_{count}": self._per_connection(subject, setting, count) for count in (MANY, FEW)}

    def _per_connection(self, subject: Subject, setting: Setting, count: int) -> float:
        """Of a fresh process, since one that has been busy has memory in store."""
        running = setting.fleet.fresh(subject, self.name)
        try:
            time.sleep(SETTLE)
            before = running.memory_kib()
            return (_with_connections(running, count) - before) / count
        finally:
            setting.fleet.stop(running)


def _with_connections(running: Running, count: int) -> int:
    with talking(LOAD_CORE, [sys.executable, str(CLIENT), str(running.ports.plain), str(count)]) as client:
        expect(client, "READY")
        time.sleep(SETTLE)
        return running.memory_kib()


IDLE = Idle(
    name="idle",
    about="memory (PSS) of keep-alive connections that wait",
    columns={f"kib_per_connection_{MANY}": f"KiB each, of {MANY}", f"kib_per_connection_{FEW}": f"KiB each, of {FEW}"},
    every_round=False,
    of_direct=False,
)
