"""Programs that are started here, and that none of them is left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from . import interrupt
from .failure import Failure

# Where what puts load runs, with the backends; and where the proxy does.
LOAD_CORE = 0
SUBJECT_CORE = 1

PATIENCE = 5.0


def pinned(core: int, command: Sequence[str]) -> list[str]:
    """The command, kept on one core with all its children."""
    return ["taskset", "--cpu-list", str(core), *command]


class Started:
    """A running program. It leads a process group of its own: Ctrl-C reaches us only, and we end it with all of the group."""

    def __init__(self, name: str, core: int, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            self._child = subprocess.Popen(
                pinned(core, command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._child.pid

    def is_running(self) -> bool:
        return self._child.poll() is None

    def last_words(self, characters: int = 2000) -> str:
        return self.log.read_text(errors="replace")[-characters:].strip()

    def interrupt(self) -> None:
        """Ctrl-C for a program that then says what it has found, and its end."""
        self._child.send_signal(signal.SIGINT)
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end when it was told to") from None

    def stop(self) -> None:
        end(self._child)


def end(child: subprocess.Popen[bytes] | subprocess.Popen[str]) -> None:
    """Asks the group of a child to end, and makes it. The child is waited for last: until then the number of its group is
    nobody else's."""
    if child.returncode is not None:
        return
    os.killpg(child.pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not _has_ended(child.pid):
        time.sleep(0.01)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _has_ended(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


class Processes(contextlib.AbstractContextManager["Processes"]):
    """All that runs; leaving it stops them, the last one first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._running: list[Started] = []

    def start(self, name: str, core: int, command: Sequence[str]) -> Started:
        with interrupt.held():
            started = Started(name, core, command, self.folder)
            self._running.append(started)
        return started

    def stop(self, started: Started) -> None:
        with interrupt.held():
            started.stop()
            self._running.remove(started)

    def __exit__(self, *_: object) -> None:
        with interrupt.held():
            for started in reversed(self._running):
                started.stop()
            self._running.clear()


@contextlib.contextmanager
def talking(core: int, command: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that is spoken with by its input and output, and stopped at the end of the block."""
    child: subprocess.Popen[str] | None = None
    try:
        with interrupt.held():
            pipe = subprocess.PIPE
            child = subprocess.Popen(
                pinned(core, command), stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
            )
        yield child
    finally:
        if child:
            with interrupt.held():
                end(child)
                for stream in (child.stdin, child.stdout, child.stderr):
                    with contextlib.suppress(BrokenPipeError):
                        stream.close()  # type: ignore[union-attr]


def run(core: int, command: Sequence[str], seconds: float) -> str:
    """What a program prints that ends by itself within this time, and well."""
    with talking(core, command) as child:
        try:
            out, err = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            raise Failure(f"{command[0]} did not end within {seconds:.0f} s") from None
        if child.returncode != 0:
            raise Failure(f"{command[0]} ended with {child.returncode}: {(err or out)[-500:].strip()}")
        return out
