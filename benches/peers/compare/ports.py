"""Ports of the loopback address: which are free, and who listens on one."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from .failure import Failure

HOST = "127.0.0.1"
LISTENING = "0A"


def free_ports(first: int = 20_000, last: int = 32_000) -> Iterator[int]:
    """Ports that nobody has, each given once: below those that the system hands to clients, of which some need very many."""
    for port in range(first, last):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        yield port
    raise Failure(f"no free port left between {first} and {last}")


def wait_until_open(port: int, is_alive: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether somebody listens before the time is up, or before the one who should has ended."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and is_alive():
        try:
            socket.create_connection((HOST, port), 1).close()
            return True
        except OSError:
            time.sleep(0.01)
    return False


def listens(port: int, pids: Iterable[int]) -> bool:
    """Whether all who listen on the port are among these. SO_REUSEPORT lets two programs share one, and nobody would be told
    that half of the requests went to the wrong one."""
    wanted = _listening_sockets(port)
    return bool(wanted) and wanted <= _sockets_of(pids)


def _listening_sockets(port: int) -> set[str]:
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        path = Path(table)
        lines = path.read_text().splitlines()[1:] if path.exists() else []
        for fields in (line.split() for line in lines):
            local, state, inode = fields[1], fields[3], fields[9]
            if state == LISTENING and int(local.rsplit(":", 1)[1], 16) == port:
                found.add(inode)
    return found


def _sockets_of(pids: Iterable[int]) -> set[str]:
    found = set()
    for pid in pids:
        try:
            for descriptor in os.listdir(f"/proc/{pid}/fd"):
                target = os.readlink(f"/proc/{pid}/fd/{descriptor}")
                if target.startswith("socket:["):
                    found.add(target[len("socket:[") : -1])
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found
