"""What stands behind every subject: two backends and a source of events."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from . import check, ports
from .failure import Failure
from .folder import Folder
from .processes import LOAD_CORE, Processes
from .subjects import installed

if TYPE_CHECKING:
    from .fleet import Running

# 26 bytes each; see configs/backends.conf.
ANSWERS = (b"answer of backend number 1", b"answer of backend number 2")
SOURCE = Path(__file__).resolve().parent / "load" / "event_source.py"


class Backends:
    """Two servers of one nginx, and who says what an event stream says."""

    def __init__(self, processes: Processes, folder: Folder, free: Iterator[int]) -> None:
        first, second, events = (next(free) for _ in range(3))
        self.ports = (first, second)
        source = processes.start("events", LOAD_CORE, [sys.executable, str(SOURCE), str(events)])
        values = {"BACKEND1": first, "BACKEND2": second, "EVENTS": events}
        config = folder.configuration("backends.conf", "backends", values)
        nginx = installed("nginx") or "nginx"
        server = processes.start("backends", LOAD_CORE, [nginx, "-p", str(folder.path), "-c", str(config)])
        for process, port in ((source, events), (server, first), (server, second)):
            if not ports.wait_until_open(port, process.is_running):
                raise Failure(f"{process.name} does not open its port {port}: {process.last_words()}")

    def check(self, running: Running) -> None:
        """Whether it is the subject that listens, and whether both backends answer behind it."""
        if not running.process:
            return
        pids = running.pids()
        for port in {running.ports.plain, running.ports.tls, running.ports.h2c}:
            if not ports.listens(port, pids):
                raise Failure(f"{running.name}: somebody else listens on its port {port}, or nobody does")
        for name, ask in check.ways(running.ports).items():
            check.both_answer(f"{running.name} by {name}", ask, ANSWERS)
