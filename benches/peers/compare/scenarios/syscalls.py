"""How often the kernel is asked for something."""

from __future__ import annotations

import time
from dataclasses import dataclass

from ..failure import Failure
from ..load import wrk
from ..ports import HOST
from ..processes import LOAD_CORE, Started
from ..subjects import Subject
from .base import WARM_UP, Figures, Scenario, Setting

KINDS = {
    "receive": {"read", "readv", "recvfrom", "recvmsg"},
    "send": {"write", "writev", "sendto", "sendmsg", "sendfile"},
    "wait": {"epoll_wait", "epoll_pwait", "epoll_pwait2"},
    "register": {"epoll_ctl"},
}
PATIENCE = 5.0


@dataclass(frozen=True, kw_only=True)
class Syscalls(Scenario):
    """strace counts while wrk asks. It is slow meanwhile, so nothing but the counts means anything."""

    def measure(self, subject: Subject, setting: Setting) -> Figures:
        running = setting.fleet.get(subject, self.name)
        url = f"http://{HOST}:{running.ports.plain}"
        wrk.put(url, wrk.Load(), WARM_UP)
        counts = setting.processes.folder / "strace.txt"
        pids = running.pids()
        command = ["strace", "--follow-forks", "--summary-only", "--output", str(counts)]
        strace = setting.processes.start("strace", LOAD_CORE, command + [f"--attach={pid}" for pid in pids])
        try:
            _wait_until_attached(strace, pids)
            seen = wrk.put(url, wrk.Load(), setting.seconds)
            strace.interrupt()
            return per_request(counts.read_text(), seen.requests)
        finally:
            setting.processes.stop(strace)


def _wait_until_attached(strace: Started, pids: list[int]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not all(f"Process {pid} attached" in strace.last_words() for pid in pids):
        if time.monotonic() > deadline or not strace.is_running():
            raise Failure(f"strace did not attach to {pids}: {strace.last_words()}")
        time.sleep(0.05)


def per_request(summary: str, requests: int) -> Figures:
    """From the table that strace ends with: share of time, seconds, microseconds, calls, perhaps errors, and the name."""
    calls = {}
    for fields in (line.split() for line in summary.splitlines()):
        if len(fields) >= 5 and fields[3].isdecimal() and fields[-1] != "total":
            calls[fields[-1]] = int(fields[3]) / requests
    if not calls:
        raise Failure("strace has counted nothing")
    figures = {kind: sum(calls.get(name, 0.0) for name in names) for kind, names in KINDS.items()}
    everything = sum(calls.values())
    return {"all": everything, **figures, "other": everything - sum(figures.values())}


SYSCALLS = Syscalls(
    name="syscalls",
    about="calls of the kernel for each request of `sat`, by strace",
    columns={"all": "all", **{kind: kind for kind in KINDS}, "other": "other"},
    every_round=False,
    of_direct=False,
)
