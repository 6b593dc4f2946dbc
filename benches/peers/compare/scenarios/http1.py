"""HTTP/1.1 with as many requests as the subject can take, by wrk."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..fleet import Running
from ..folder import BODIES
from ..load import wrk
from ..ports import HOST
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting, cost, metered, throughput

PER_REQUEST = {"cpu": "CPU µs/request", "user": "of it user", "rps": "requests/s", "busy": "busy"}
PER_BYTE = {"cpu": "CPU s/GB", "user": "of it user", "rps": "requests/s", "busy": "busy"}
CLOSE = ("Connection: close",)


@dataclass(frozen=True, kw_only=True)
class Saturated(Scenario):
    """All connections ask all the time."""

    load: wrk.Load
    columns: dict[str, str] = field(default_factory=lambda: PER_REQUEST)
    # Bytes of an answer, where the cost is that of bytes and not of requests.
    answer: int = 0

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        wrk.put(self.url(running), self.load, WARM_UP)
        seen, cpu = metered(running, lambda: wrk.put(self.url(running), self.load, setting.seconds))
        if self.answer:
            spent = cost(running, cpu, seen.requests * self.answer / 1e9, scale=1)
        else:
            spent = cost(running, cpu, seen.requests)
        return spent | throughput(running, cpu, seen.requests, seen.seconds)

    def url(self, running: Running) -> str:
        return f"http://{HOST}:{running.ports.plain}"


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
    Saturated(
        name="post",
        about="64 keep-alive connections, requests with 10 KB of body",
        load=wrk.Load("/post", body=10 * 1024),
    ),
    Saturated(name="noka", about="a new connection for each request", load=wrk.Load(headers=CLOSE)),
]
