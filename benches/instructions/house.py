"""The release binary under callgrind, and what its worker has executed between two moments."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from callgrind import Profile

WAITING = {"232", "281", "22", "441"}
"""epoll_wait and epoll_pwait on x86-64, epoll_pwait on 64-bit ARM, epoll_pwait2."""

PATIENCE = 60.0
"""Seconds for anything that valgrind has to do."""

class Unable(RuntimeError):
    """figshift or valgrind cannot be had, or does not do what it is asked for."""


def make_certificate(folder: Path) -> None:
    """A key and a certificate of its own for localhost."""
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.crt")]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode:
        raise Unable(f"openssl makes no certificate: {made.stderr}")


class House:
    """figshift under callgrind, for as long as a `with` block lasts."""

    def __init__(self, binary: Path, folder: Path, text: str, https: int = 0) -> None:
        self.folder = folder
        self.https = https
        self.profile = folder / "profile"
        file = folder / "figshift.toml"
        file.write_text(text, encoding="utf-8")
        self.prefix = f"--vgdb-prefix={folder}/vgdb"
        command = ["valgrind", "-q", "--tool=callgrind", self.prefix]
        # The control plane looks after its own things each second: only the worker's thread is of interest.
        command += ["--separate-threads=yes", f"--callgrind-out-file={self.profile}"]
        command += [str(binary), "serve", "--config", str(file)]
        env = {key: value for key, value in os.environ.items() if not key.startswith("FIGSHIFT_")}
        self.log = (folder / "log").open("w+", encoding="utf-8")
        self.process = subprocess.Popen(command, stdout=self.log, stderr=self.log, env=env)
        self.http = 0
        self.admin = 0
        self.workers: list[Path] = []

    def __enter__(self) -> House:
        try:
            told = self._serving()
            self.http, self.admin = port(told["http"]), port(told["admin"])
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def _serving(self) -> dict[str, str]:
        """Waits until it serves; gives what it says of that."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.said().splitlines():
                if line.startswith("{") and (told := json.loads(line)).get("message") == "Serving":
                    return {name: str(value) for name, value in told.items()}
            time.sleep(0.05)
        raise Unable(f"figshift does not serve:\n{self.said()}")

    def said(self) -> str:
        """Its log so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def route(self) -> dict[str, Any]:
        """What its admin port tells of the route that is measured."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/api/v1/routes/chat", timeout=PATIENCE) as told:
            found: dict[str, Any] = json.load(told)
            return found

    def _tell(self, order: str) -> None:
        """Tells callgrind something."""
        command = ["vgdb", self.prefix, f"--pid={self.process.pid}", order]
        told = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE)
        if told.returncode:
            raise Unable(f"vgdb {order}: {told.stderr}\n{self.said()}")

    def start_counting(self) -> None:
        """Forgets what was counted before."""
        self._tell("zero")

    def counted(self) -> Profile:
        """What the worker that did most has done since then."""
        for old in self.folder.glob(f"{self.profile.name}.*"):
            old.unlink()
        self._tell("dump")
        threads = [Profile(part) for part in self.folder.glob(f"{self.profile.name}.*-*")]
        # Not the thread that did most: with a thousand routes, that is the one that judges them.
        workers = [thread for thread in threads if thread.runs("figshift::proxy::")]
        if not workers:
            raise Unable("no thread of the profile is a worker: has the binary lost the names of its functions?")
        return max(workers, key=Profile.total)

    def settle(self) -> None:
        """Waits until the workers wait for the network: what they were given is done, and what comes next finds them the same
        each time. Where that cannot be seen, their sleep is taken for it."""
        end = time.monotonic() + PATIENCE
        while not all(map(waits, self._workers())):
            if time.monotonic() > end:
                raise Unable("the workers never rest")

    def _workers(self) -> list[Path]:
        if not self.workers:
            tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
            self.workers = [task for task in tasks if (task / "comm").read_text(encoding="utf-8").startswith("worker-")]
            if not self.workers:
                raise Unable("figshift has no thread that is called a worker")
        return self.workers


def waits(thread: Path) -> bool:
    """Whether a thread waits for the network."""
    try:
        return (thread / "syscall").read_text(encoding="ascii").split()[0] in WAITING
    except PermissionError:
        return (thread / "stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] == "S"


def port(address: str) -> int:
    """Of `host:port`."""
    return int(address.rpartition(":")[2])
