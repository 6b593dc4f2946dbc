"""oha: so many requests in a second, whatever becomes of those before."""

from __future__ import annotations

import json
from dataclasses import dataclass

from ..failure import Failure
from ..processes import LOAD_CORE, run
from ..subjects import installed

SLACK = 20.0
# What was on its way when the time was up.
UNFINISHED = "aborted due to deadline"


@dataclass(frozen=True)
class Seen:
    requests: int
    # Seconds, by the share of the requests that took no longer.
    percentiles: dict[str, float]


def put(url: str, rate: int, connections: int, seconds: int) -> Seen:
    """With the latency that a client would see who sends at its times: from when a request was due, and not from when the one
    before it was over."""
    command = [installed("oha") or "oha", "--no-tui", "--output-format", "json", "--latency-correction"]
    command += ["-z", f"{seconds}s", "-q", str(rate), "-c", str(connections), url]
    return read(run(LOAD_CORE, command, seconds + SLACK), rate * seconds)


def read(printed: str, due: int) -> Seen:
    said = json.loads(printed)
    by_status = said["statusCodeDistribution"]
    requests = sum(by_status.values())
    refused = {status: count for status, count in by_status.items() if not status.startswith("2")}
    errors = {error: count for error, count in said["errorDistribution"].items() if error != UNFINISHED}
    if refused or errors:
        raise Failure(f"of {requests} requests: {refused | errors}")
    if requests < due * 0.9:
        raise Failure(f"only {requests} of {due} requests were made: the rate is too high for this machine")
    return Seen(requests, said["latencyPercentiles"])
