"""h2load: HTTP/2, and HTTP/1.1 over TLS."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..failure import Failure
from ..processes import LOAD_CORE, run

SLACK = 20.0


@dataclass(frozen=True)
class Load:
    """How to ask."""

    connections: int
    # Requests that are on their way at a time, on each connection.
    streams: int = 1
    flags: Sequence[str] = ()


@dataclass(frozen=True)
class Seen:
    requests: int
    seconds: float


def put(url: str, load: Load, seconds: int) -> Seen:
    """Without a warm-up of its own, which would be in the CPU that was used and not in the requests that were counted."""
    command = ["h2load", "--duration", str(seconds), "--clients", str(load.connections)]
    command += ["--max-concurrent-streams", str(load.streams), *load.flags, url]
    return read(run(LOAD_CORE, command, seconds + SLACK))


def read(printed: str) -> Seen:
    finished = re.search(r"^finished in ([\d.]+)(ms|s),", printed, re.MULTILINE)
    counts = re.search(r"^requests: .* (\d+) done, (\d+) succeeded, .*$", printed, re.MULTILINE)
    codes = re.search(r"^status codes: \d+ 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", printed, re.MULTILINE)
    if not (finished and counts and codes):
        raise Failure(f"h2load said no result: {printed[-500:]}")
    done, succeeded = int(counts[1]), int(counts[2])
    if succeeded != done or any(map(int, codes.groups())):
        raise Failure(f"not all answers were 2xx: {counts[0]}; {codes[0]}")
    if not done:
        raise Failure("no request was answered")
    return Seen(done, float(finished[1]) / (1000 if finished[2] == "ms" else 1))
