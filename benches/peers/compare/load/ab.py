"""ab: a new TLS connection for each request. wrk and oha would take up their sessions from before, which spares the subject most
of the handshake; ab knows no sessions."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..failure import Failure
from ..processes import LOAD_CORE, run

SLACK = 20.0
# It keeps a record of each request that it may make, so their number is bounded: more than any machine does in a second.
REQUESTS_PER_SECOND = 40_000


@dataclass(frozen=True)
class Seen:
    requests: int
    seconds: float


def put(url: str, connections: int, seconds: int) -> Seen:
    # The number comes after the time, which sets it to a default.
    command = [
        "ab",
        "-q",
        "-l",
        "-c",
        str(connections),
        "-t",
        str(seconds),
        "-n",
        str(seconds * REQUESTS_PER_SECOND),
        url,
    ]
    return read(run(LOAD_CORE, command, seconds + SLACK))


def read(printed: str) -> Seen:
    values = {name.strip(): value for name, value in re.findall(r"^([\w -]+):\s+([\d.]+)", printed, re.MULTILINE)}
    try:
        requests, failed = int(values["Complete requests"]), int(values["Failed requests"])
        seconds = float(values["Time taken for tests"])
    except KeyError:
        raise Failure(f"ab said no result: {printed[-500:]}") from None
    refused = int(values.get("Non-2xx responses", 0))
    if failed or refused:
        raise Failure(f"of {requests} requests {failed} failed, and {refused} answers were not 2xx")
    if not requests:
        raise Failure("no request was answered")
    return Seen(requests, seconds)
