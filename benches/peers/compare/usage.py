"""What a program and all its children have used, from /proc."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from .processes import SUBJECT_CORE

TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process, its children, theirs, and so on."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        try:
            for task in os.listdir(f"/proc/{one}/task"):
                waiting += map(int, _read(f"/proc/{one}/task/{task}/children").split())
        except (FileNotFoundError, ProcessLookupError):
            continue
        found.append(one)
    return found


@dataclass(frozen=True)
class Cpu:
    """Seconds of CPU."""

    total: float
    user: float
    # What everybody else has used of the core that the subject runs on.
    others: float = 0.0


@dataclass
class Reading:
    """How much CPU has been used up to now."""

    # Of each thread by its number, in nanoseconds: exact, but gone when the thread ends.
    threads: dict[int, int] = field(default_factory=dict)
    # In ticks, of each process by its number: what has ended is in it.
    user: dict[int, int] = field(default_factory=dict)
    system: dict[int, int] = field(default_factory=dict)
    # Of the core, in ticks.
    core: int = 0

    @classmethod
    def of(cls, pid: int) -> Reading:
        reading = cls(core=_core_ticks(SUBJECT_CORE))
        for one in tree(pid):
            try:
                reading._add(one)
            except (FileNotFoundError, ProcessLookupError):
                continue
        return reading

    def _add(self, pid: int) -> None:
        # The name of the program, which may have spaces and brackets in it, ends with the last bracket.
        fields = _read(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()
        self.user[pid], self.system[pid] = int(fields[11]), int(fields[12])
        for task in os.listdir(f"/proc/{pid}/task"):
            self.threads[int(task)] = int(_read(f"/proc/{pid}/task/{task}/schedstat").split()[0])

    def since(self, before: Reading) -> Cpu:
        """What was used in between. The total is exact while no thread has ended; the share of user mode in it is sampled by
        the kernel at each tick, so it is good to some percent over a few seconds of work."""
        user = _grown(self.user, before.user) / TICKS_PER_SECOND
        system = _grown(self.system, before.system) / TICKS_PER_SECOND
        ticks = user + system
        exact = before.threads.keys() <= self.threads.keys()
        total = _grown(self.threads, before.threads) / 1e9 if exact else ticks
        core = (self.core - before.core) / TICKS_PER_SECOND
        return Cpu(total, total * user / ticks if ticks else 0.0, max(0.0, core - total))


def _core_ticks(core: int) -> int:
    """All that was not idle on a core, in user, nice, system, irq, softirq and steal."""
    found = re.search(rf"^cpu{core} (.+)$", _read("/proc/stat"), re.MULTILINE)
    fields = [int(field) for field in found[1].split()] if found else []
    return sum(fields[:3]) + sum(fields[5:8])


def _grown(now: dict[int, int], before: dict[int, int]) -> int:
    return sum(value - before.get(key, 0) for key, value in now.items())


def proportional_kib(pid: int) -> int:
    """KiB of memory, in which pages that are shared with others count by their share (PSS). Buffers of sockets are the
    kernel's and not in it."""
    total = 0
    for one in tree(pid):
        try:
            found = re.search(r"^Pss:\s+(\d+) kB", _read(f"/proc/{one}/smaps_rollup"), re.MULTILINE)
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(found[1]) if found else 0
    return total


def _read(path: str) -> str:
    return Path(path).read_text()
