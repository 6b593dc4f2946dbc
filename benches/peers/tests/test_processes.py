"""What is started is measured whole, and stopped whole."""

from __future__ import annotations

import functools
import os
import sys
import tempfile
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from compare import ports, usage
from compare.failure import Failure
from compare.processes import LOAD_CORE, Processes, run

# A parent that does nothing, and a child that works all the time. Both would rather not end.
FAMILY = """
import os, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork():
    time.sleep(60)
end = time.monotonic() + 60
while time.monotonic() < end:
    pass
"""


def within(seconds: float, condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def has_ended(pid: int) -> bool:
    """Also one that only waits for its parent to take notice, who may be long gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


class Family(unittest.TestCase):
    def test_counts_and_ends_with_its_children(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with Processes(Path(folder)) as processes:
                started = processes.start("family", LOAD_CORE, [sys.executable, "-c", FAMILY])
                self.assertTrue(within(5, lambda: len(usage.tree(started.pid)) == 2))
                pids = usage.tree(started.pid)
                for pid in pids:
                    self.assertEqual(os.sched_getaffinity(pid), {LOAD_CORE})
                before = usage.Reading.of(started.pid)
                time.sleep(0.5)
                used = usage.Reading.of(started.pid).since(before)
                # How much depends on who else wants the core.
                self.assertTrue(0.01 < used.total < 1.0, used)
                self.assertGreater(used.user, used.total / 2)
                self.assertGreater(usage.proportional_kib(started.pid), 1000)
            for pid in pids:
                self.assertTrue(within(5, functools.partial(has_ended, pid)), pid)

    def test_one_that_fails_says_why(self) -> None:
        with self.assertRaisesRegex(Failure, "with 3: so it is"):
            run(LOAD_CORE, [sys.executable, "-c", "import sys; print('so it is', file=sys.stderr); sys.exit(3)"], 10)

    def test_one_that_does_not_end_is_ended(self) -> None:
        start = time.monotonic()
        with self.assertRaisesRegex(Failure, "did not end"):
            run(LOAD_CORE, ["sleep", "60"], 0.2)
        self.assertLess(time.monotonic() - start, 10)


class Ports(unittest.TestCase):
    def test_a_port_belongs_to_who_listens(self) -> None:
        port = next(ports.free_ports())
        with tempfile.TemporaryDirectory() as folder, Processes(Path(folder)) as processes:
            code = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(60)"
            started = processes.start("listener", LOAD_CORE, [sys.executable, "-c", code])
            self.assertTrue(ports.wait_until_open(port, started.is_running))
            self.assertTrue(ports.listens(port, [started.pid]))
            self.assertFalse(ports.listens(port, [os.getpid()]))
            self.assertNotEqual(next(ports.free_ports(port)), port)


if __name__ == "__main__":
    unittest.main()
