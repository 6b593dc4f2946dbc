"""What a request costs under load."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from proxy import REST, Process, Proxy, Unable

BUSY_CLIENTS = 64
ROUNDS_BEFORE = 5
"""Requests of each client, on average, before it counts."""


@dataclass(frozen=True)
class Load:
    """wrk, with requests of one kind."""

    connections: int = BUSY_CLIENTS
    path: str = "/v1/models"
    headers: tuple[str, ...] = ()

    def start(self, proxy: Proxy, folder: Path) -> Process:
        """Runs until its block ends."""
        headers = [part for header in self.headers for part in ("-H", header)]
        command = ["wrk", "-t1", f"-c{self.connections}", "-d600s", "--timeout", "60s", *headers]
        return Process([*command, f"http://127.0.0.1:{proxy.http}{self.path}"], folder / "wrk.out", REST)


@dataclass(frozen=True)
class Cost:
    """Of a request."""

    us: float
    """Microseconds of a worker on a core, the kernel's part included."""
    rate: float
    """Requests in a second."""
    connects: float
    """Connections made to backends."""


def cost(proxy: Proxy, seconds: float) -> Cost:
    """Of the requests that come in this time."""
    connects = proxy.count("figshift_upstream_connects_total")
    requests, (spent, _), begun = proxy.count("figshift_requests_total"), proxy.cpu(), time.monotonic()
    time.sleep(seconds)
    requests = proxy.count("figshift_requests_total") - requests
    lasted, spent = time.monotonic() - begun, proxy.cpu()[0] - spent
    connects = proxy.count("figshift_upstream_connects_total") - connects
    if own := proxy.count("figshift_own_answers_total"):
        raise Unable(f"{own} answers were figshift's own:\n{proxy.log.read_text(encoding='utf-8')[-2000:]}")
    if requests < 100:
        raise Unable(f"only {requests} requests were answered")
    return Cost(spent / requests / 1000, requests / lasted, connects / requests)


def under_load(proxy: Proxy, load: Load, folder: Path, seconds: float, idle: int = 0) -> Cost:
    """The same, once all clients are there."""
    with load.start(proxy, folder):
        proxy.wait_for("figshift_client_connections", load.connections + idle)
        # The first request of each client makes a connection to a backend: that is over, also for the last of them.
        answered = proxy.count("figshift_requests_total")
        proxy.wait_for("figshift_requests_total", answered + ROUNDS_BEFORE * load.connections)
        time.sleep(0.5)
        return cost(proxy, seconds)


def least(costs: list[Cost]) -> Cost:
    """What else runs on a machine only ever adds."""
    return min(costs, key=lambda cost: cost.us)

