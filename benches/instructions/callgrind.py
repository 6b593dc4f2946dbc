"""A callgrind profile (callgrind's format 1): what each function has cost, and how often it was called."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

NAME = re.compile(r"^(c?fn)=\((\d+)\)(?: (.*))?$")
COST = re.compile(r"^[+\-*\d]\S* (\d+)$")
CALLS = re.compile(r"^calls=(\d+) ")
# How a number ends that tells recursive calls from each other.
RECURSION = re.compile(r"'\d+$")

ALLOCATING = ("mi_malloc", "mi_malloc_aligned", "mi_zalloc", "mi_zalloc_aligned", "mi_realloc", "mi_realloc_aligned")
HEAP = re.compile(r"^(_mi_\w+|mi_(page|segment|segments|arena|bitmap|find|heap|thread|free_(block|generic))\w*)\b")
"""What the allocator does when its first look finds nothing. That depends on how the heap has come to look, which differs from
process to process by more than a change that is worth finding."""


class Profile:
    """What one thread has done between two moments."""

    def __init__(self, path: Path) -> None:
        self.own: Counter[str] = Counter()
        self.with_calls: Counter[str] = Counter()
        self.calls: Counter[str] = Counter()
        self._names: dict[str, str] = {}
        self._read(path.read_text(encoding="utf-8", errors="replace").splitlines())

    def _read(self, lines: list[str]) -> None:
        function = called = ""
        is_call = False
        for line in lines:
            if named := NAME.match(line):
                kind, key, name = named.groups()
                if name:
                    self._names[key] = RECURSION.sub("", name)
                if kind == "fn":
                    function = self._names[key]
                else:
                    called = self._names[key]
            elif calls := CALLS.match(line):
                self.calls[called] += int(calls[1])
                is_call = True
            elif function and (cost := COST.match(line)):
                self._add(function, called if is_call else None, int(cost[1]))
                is_call = False

    def _add(self, function: str, called: str | None, cost: int) -> None:
        # Of a function that calls itself, only the outermost call counts.
        if called is None:
            self.own[function] += cost
        if called != function:
            self.with_calls[function] += cost

    def runs(self, room: str) -> bool:
        """Whether it has executed anything of a part of the program."""
        return any(name.startswith(room) for name in self.own)

    def total(self) -> int:
        """All instructions."""
        return sum(self.own.values())

    def steady(self) -> int:
        """Those that are the same in each process: without the inside of the allocator."""
        return self.total() - sum(cost for name, cost in self.own.items() if HEAP.match(name))

    def allocations(self) -> int:
        """How often memory was asked for."""
        return sum(self.calls[name] for name in ALLOCATING)
