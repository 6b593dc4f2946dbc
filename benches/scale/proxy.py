"""figshift and its origin as processes, and what /proc tells of them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 60.0
CORES = sorted(os.sched_getaffinity(0))
BUSY, REST = {CORES[-1]}, set(CORES[:-1]) or {CORES[0]}
"""figshift has the last core for itself, as far as the machine allows; all else shares the others."""

NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log crit;
worker_rlimit_nofile {files};
events {{ worker_connections {connections}; multi_accept on; }}
http {{
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 0.0.0.0:{port} backlog=4096;
    default_type text/plain;
    location / {{ return 200 "abcdefghijklmnopqrstuvwxyz"; }}
  }}
}}
"""
"""Answers from memory, on every address of the loopback network."""


class Unable(RuntimeError):
    """Something that is needed cannot be had, or does not do what it is asked for."""


class Process:
    """A process that ends with a `with` block."""

    def __init__(self, command: list[str], log: Path, cores: set[int]) -> None:
        self.log = log
        with log.open("w", encoding="utf-8") as out:
            env = {key: value for key, value in os.environ.items() if not key.startswith("FIGSHIFT_")}
            self.process = subprocess.Popen(command, stdout=out, stderr=out, env=env)
        os.sched_setaffinity(self.process.pid, cores)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            # Whoever is still connected need not be waited for.
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(PATIENCE)


class Origin(Process):
    """nginx."""

    def __init__(self, folder: Path, port: int, files: int) -> None:
        text = NGINX.format(folder=folder, port=port, files=files, connections=files - 100)
        (folder / "nginx.conf").write_text(text, encoding="utf-8")
        super().__init__(["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], folder / "nginx.out", REST)


class SilentOrigin:
    """Takes connections and requests, and answers none, for as long as a `with` block lasts."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("0.0.0.0", 0), backlog=4096)
        self.port = int(self.listener.getsockname()[1])
        self.taken: list[socket.socket] = []
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def _accept(self) -> None:
        # It ends with its listener.
        with contextlib.suppress(OSError):
            while True:
                self.taken.append(self.listener.accept()[0])

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        for each in (self.listener, *self.taken):
            each.close()


class Proxy(Process):
    """figshift."""

    def __init__(self, binary: Path, folder: Path, text: str, cores: set[int] | None = None) -> None:
        file = folder / "figshift.toml"
        file.write_text(text, encoding="utf-8")
        # What another run has left there would be in the way.
        (folder / "state").mkdir(exist_ok=True)
        super().__init__([str(binary), "serve", "--config", str(file)], folder / "figshift.log", cores or BUSY)
        self.http, self.admin = self._serving()

    def _serving(self) -> tuple[int, int]:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and self.process.poll() is None:
            for line in self.log.read_text(encoding="utf-8").splitlines():
                if line.startswith("{") and (told := json.loads(line)).get("message") == "Serving":
                    http, admin = (int(told[name].rpartition(":")[2]) for name in ("http", "admin"))
                    return http, admin
            time.sleep(0.02)
        raise Unable(f"figshift does not serve:\n{self.log.read_text(encoding='utf-8')}")

    def cpu(self) -> tuple[int, int]:
        """Nanoseconds on a core so far: of the workers, and of all other threads."""
        workers = others = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            try:
                spent = int((task / "schedstat").read_text(encoding="ascii").split()[0])
                name = (task / "comm").read_text(encoding="utf-8")
            except FileNotFoundError:
                continue
            if name.startswith("worker-"):
                workers += spent
            else:
                others += spent
        return workers, others

    def memory(self) -> int:
        """Bytes that are its own, by the kernel's count."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text(encoding="ascii")
        found = re.search(r"^Pss: +(\d+) kB$", rollup, re.MULTILINE)
        if not found:
            raise Unable("the kernel does not tell how much memory a process has")
        return int(found[1]) * 1024

    def count(self, metric: str) -> int:
        """A metric, summed over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=PATIENCE) as answer:
            text = answer.read()
        values = re.findall(rb"^" + metric.encode() + rb"(?:\{[^}\n]*\})? ([0-9.e+]+)$", text, re.MULTILINE)
        return round(sum(map(float, values)))

    def wait_for(self, metric: str, wanted: int) -> None:
        """Until a metric has come to so many."""
        end = time.monotonic() + PATIENCE
        while (there := self.count(metric)) < wanted:
            if time.monotonic() > end:
                raise Unable(f"{metric} comes to {there} and not to {wanted}")
            time.sleep(0.1)
