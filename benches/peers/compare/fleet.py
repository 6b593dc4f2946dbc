"""The subjects while they run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from . import ports, usage
from .backends import Backends
from .failure import Failure
from .folder import Folder
from .processes import SUBJECT_CORE, Processes, Started
from .subjects import DIRECT, Place, Ports, Subject


@dataclass(frozen=True)
class Running:
    """A subject that answers. `direct` has no process and listens where the first backend does."""

    name: str
    ports: Ports
    process: Started | None

    @property
    def is_proxy(self) -> bool:
        return self.process is not None

    def reading(self) -> usage.Reading:
        return usage.Reading.of(self.process.pid) if self.process else usage.Reading()

    def memory_kib(self) -> int:
        return usage.proportional_kib(self.process.pid) if self.process else 0

    def pids(self) -> list[int]:
        return usage.tree(self.process.pid) if self.process else []


class Fleet:
    """Starts each subject when it is first asked for and keeps it running: what one does while another is measured is nothing."""

    def __init__(self, processes: Processes, folder: Folder, backends: Backends, free: Iterator[int]) -> None:
        self._processes = processes
        self._folder = folder
        self._backends = backends
        self._free = free
        self._running: dict[str, Running] = {}

    def get(self, subject: Subject, scenario: str) -> Running:
        label = f"{subject.name}-{scenario}" if scenario in subject.otherwise else subject.name
        if label not in self._running:
            self._running[label] = self._start(subject, scenario, label)
        running = self._running[label]
        if running.process and not running.process.is_running():
            raise Failure(f"{label} has ended: {running.process.last_words()}")
        return running

    def fresh(self, subject: Subject, scenario: str) -> Running:
        """One more of it, which has not served anybody but who has looked whether it works. Give it back to `stop`."""
        return self._start(subject, scenario, f"{subject.name}-fresh")

    def stop(self, running: Running) -> None:
        if running.process:
            self._processes.stop(running.process)

    def everything(self) -> list[Running]:
        return list(self._running.values())

    def _start(self, subject: Subject, scenario: str, label: str) -> Running:
        if subject.name == DIRECT:
            first = self._backends.ports[0]
            return Running(subject.name, Ports(first, first, first), None)
        plain, tls, other = (next(self._free) for _ in range(3))
        place = Place(
            self._folder, label, Ports(plain, tls, plain if subject.h2c_on_plain else other), self._backends.ports
        )
        command = subject.command_for(scenario)(place)
        process = self._processes.start(label, SUBJECT_CORE, command)
        running = Running(subject.name, place.ports, process)
        if not ports.wait_until_open(plain, process.is_running):
            raise Failure(f"{label} does not open its port {plain}: {process.last_words()}")
        self._backends.check(running)
        return running
