"""HTTP/1.1 with as many requests as the subject can take, by wrk."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..fleet import Running
from ..folder import BODIES
from ..load import wrk
from ..ports import HOST
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting, metered, per

PER_REQUEST = {"cpu": "CPU µs/request", "user": "of it user", "rps": "requests/s", "busy": "busy"}
PER_BYTE = {"cpu": "CPU s/GB", "user": "of it user", "rps": "requests/s", "busy": "busy"}
CLOSE = ("Connection: close",)


@dataclass(frozen=True, kw_only=True)
class Saturated(Scenario):
    """All connections ask all the time."""

    load: wrk.Load
    columns: dict[str, str] = field(default_factory=lambda: PER_REQUEST)
    tls: bool = False
    # Bytes of an answer, where the cost is that of bytes and not of requests.
    answer: int = 0

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        wrk.put(self.url(running), self.load, WARM_UP)
        seen, cpu, _ = metered(running, lambda: wrk.put(self.url(running), self.load, setting.seconds))
        figures = {"rps": seen.requests / seen.seconds}
        cost = per(running, cpu, seen.requests * self.answer / 1e9, 1.0) if self.answer else per(running, cpu, seen.requests)
        if cost:
            figures |= {"cpu": cost[0], "user": cost[1], "busy": cpu.total / seen.seconds}
        return figures

    def url(self, running: Running) -> str:
        return f"https://{HOST}:{running.ports.tls}" if self.tls else f"http://{HOST}:{running.ports.plain}"


HTTP1 = [
    Saturated(name="sat", about="64 keep-alive connections, answers of 26 bytes", load=wrk.Load()),
    Saturated(name="k10", about="64 keep-alive connections, answers of 10 KB", load=wrk.Load("/10k")),
    Saturated(
        name="m1",
        about="8 keep-alive connections, answers of 1 MB",
        load=wrk.Load("/1m", connections=8),
        answer=BODIES["1m"],
        columns=PER_BYTE,
    ),
    Saturated(name="post", about="64 keep-alive connections, requests with 10 KB of body", load=wrk.Load("/post", body=10 * 1024)),
    Saturated(name="noka", about="a new connection for each request", load=wrk.Load(headers=CLOSE)),
    Saturated(
        name="hs",
        about="a new TLS connection with a full handshake (P-256) for each request",
        load=wrk.Load(headers=CLOSE),
        tls=True,
        of_direct=False,
    ),
]
