"""What was counted when somebody looked at it last, and where that was."""

from __future__ import annotations

import platform
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

TITLE = """\
# Case, instructions of the worker for one request, its allocations. Written by `benches/instructions/run --record`.
# The lines that begin with `with` say what the binary was made and run with.
"""


@dataclass(frozen=True)
class Figures:
    """Of one case."""

    instructions: int
    allocations: float


@dataclass
class Record:
    """The figures by case, and the surroundings that they depend on."""

    figures: dict[str, Figures] = field(default_factory=dict)
    surroundings: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Record:
    """The record, empty if there is none."""
    record = Record()
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line.startswith("with "):
            name, _, value = line.removeprefix("with ").partition(": ")
            record.surroundings[name] = value
        elif line and not line.startswith("#"):
            name, instructions, allocations = line.rsplit(maxsplit=2)
            record.figures[name] = Figures(int(instructions), float(allocations))
    return record


def write(path: Path, record: Record) -> None:
    """Replaces the record."""
    lines = [f"with {name}: {value}" for name, value in record.surroundings.items()]
    lines += [f"{name:<14} {each.instructions:>9} {each.allocations:>7}" for name, each in record.figures.items()]
    path.write_text(TITLE + "\n".join(lines) + "\n", encoding="utf-8")


def surroundings(binary: Path) -> dict[str, str]:
    """What else than figshift's source decides how many instructions there are."""
    compiler = re.search(rb"rustc version (\d+\.\d+\.\d+[^ \0]*)", binary.read_bytes())
    version = subprocess.run(["valgrind", "--version"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "rustc": compiler[1].decode() if compiler else "unknown",
        "libc": " ".join(platform.libc_ver()),
        "valgrind": version.removeprefix("valgrind-"),
        "processor": processor(),
    }


def processor() -> str:
    """Its family, and the vector instructions by which libraries choose their code."""
    info = Path("/proc/cpuinfo")
    flags = set(info.read_text(encoding="utf-8").split()) if info.exists() else set()
    vectors = [name for name in ("avx", "avx2") if name in flags]
    return " ".join([platform.machine(), *vectors])
