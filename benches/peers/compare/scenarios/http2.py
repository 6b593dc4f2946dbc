"""HTTP/2, and TLS on connections that stay, by h2load."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..fleet import Running
from ..load import h2load
from ..ports import HOST
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting, cost, metered, throughput
from .http1 import PER_REQUEST


@dataclass(frozen=True, kw_only=True)
class Multiplexed(Scenario):
    """All streams ask all the time."""

    load: h2load.Load
    tls: bool
    columns: dict[str, str] = field(default_factory=lambda: PER_REQUEST)
    # The backends speak neither.
    of_direct: bool = False

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        h2load.put(self.url(running), self.load, WARM_UP)
        seen, cpu = metered(running, lambda: h2load.put(self.url(running), self.load, setting.seconds))
        return cost(running, cpu, seen.requests) | throughput(running, cpu, seen.requests, seen.seconds)

    def url(self, running: Running) -> str:
        return f"https://{HOST}:{running.ports.tls}/" if self.tls else f"http://{HOST}:{running.ports.h2c}/"


SHARED = h2load.Load(connections=8, streams=16)
HTTP2 = [
    Multiplexed(name="h2c", about="HTTP/2 without TLS, 8 connections with 16 streams each", load=SHARED, tls=False),
    Multiplexed(
        name="tls1",
        about="HTTP/1.1 over TLS, 64 keep-alive connections",
        load=h2load.Load(connections=64, flags=("--h1",)),
        tls=True,
    ),
    Multiplexed(name="tls2", about="HTTP/2 over TLS, 8 connections with 16 streams each", load=SHARED, tls=True),
]
