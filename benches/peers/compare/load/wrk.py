"""wrk: each connection has one request after the other on its way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..failure import Failure
from ..processes import LOAD_CORE, run

SCRIPT = Path(__file__).with_name("wrk.lua")
SLACK = 20.0
# For one answer, on a machine that has others to serve, too.
PATIENCE = "10s"


@dataclass(frozen=True)
class Load:
    """What to ask for."""

    path: str = "/"
    connections: int = 64
    headers: Sequence[str] = ()
    # Bytes of a body to send; 0: a GET.
    body: int = 0


@dataclass(frozen=True)
class Seen:
    requests: int
    seconds: float


def put(url: str, load: Load, seconds: int) -> Seen:
    command = ["wrk", "--threads", "1", "--connections", str(load.connections), "--duration", f"{seconds}s"]
    command += ["--timeout", PATIENCE]
    for header in load.headers:
        command += ["--header", header]
    command += ["--script", str(SCRIPT), url + load.path]
    if load.body:
        command += ["--", str(load.body)]
    return read(run(LOAD_CORE, command, seconds + SLACK))


def read(printed: str) -> Seen:
    line = re.search(r"^RESULT (.*)$", printed, re.MULTILINE)
    if not line:
        raise Failure(f"wrk said no result: {printed[-500:]}")
    values = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line[1])}
    if values["status"]:
        raise Failure(f"{values['status']} of {values['requests']} answers were not 2xx")
    broken = {key: values[key] for key in ("connect", "read", "write", "timeout") if values[key]}
    if broken:
        raise Failure(f"broken connections: {broken}, of {values['requests']} requests")
    if not values["requests"]:
        raise Failure("no request was answered")
    return Seen(values["requests"], values["microseconds"] / 1e6)
