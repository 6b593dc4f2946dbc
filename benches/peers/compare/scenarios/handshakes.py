"""TLS connections that are used once."""

from __future__ import annotations

from dataclasses import dataclass

from ..load import ab
from ..ports import HOST
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting, cost, metered, throughput
from .http1 import PER_REQUEST

CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Handshakes(Scenario):
    """By ab."""

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        url = f"https://{HOST}:{running.ports.tls}/"
        ab.put(url, CONNECTIONS, WARM_UP)
        seen, cpu = metered(running, lambda: ab.put(url, CONNECTIONS, setting.seconds))
        return cost(running, cpu, seen.requests) | throughput(running, cpu, seen.requests, seen.seconds)


HS = Handshakes(
    name="hs",
    about="a new TLS connection with a full handshake (P-256) for each request",
    columns=PER_REQUEST,
    # The backends speak no TLS.
    of_direct=False,
)
