"""What each request waits for when the subject has time."""

from __future__ import annotations

from dataclasses import dataclass

from ..load import oha
from ..ports import HOST
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting, cost, metered

RATE = 4000
CONNECTIONS = 64
PERCENTILES = {"p50": "p50", "p99": "p99", "p999": "p99.9"}


@dataclass(frozen=True, kw_only=True)
class Rate(Scenario):
    """A steady rate, by oha."""

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        url = f"http://{HOST}:{running.ports.plain}/"
        oha.put(url, RATE, CONNECTIONS, WARM_UP)
        seen, cpu = metered(running, lambda: oha.put(url, RATE, CONNECTIONS, setting.seconds))
        return cost(running, cpu, seen.requests) | {
            key: seen.percentiles[name] * 1e6 for key, name in PERCENTILES.items()
        }


RATE_SCENARIO = Rate(
    name="rate",
    about=f"{RATE} requests a second on {CONNECTIONS} connections; latency from when each was due",
    columns={"cpu": "CPU µs/request", "user": "of it user", "p50": "p50 µs", "p99": "p99 µs", "p999": "p99.9 µs"},
)
