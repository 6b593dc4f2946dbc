"""On what it was measured."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

from .failure import Failure
from .processes import LOAD_CORE, SUBJECT_CORE
from .subjects import installed


def processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def kernel() -> str:
    return f"{platform.system()} {platform.release()}"


def congestion_control() -> str:
    return Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().strip()


# How each says its version, and where in that it stands.
TOOLS = {
    "nginx": ("-v", r"nginx/(\S+)"),
    "wrk": ("-v", r"wrk (\S+)"),
    "h2load": ("--version", r"nghttp2/(\S+)"),
    "ab": ("-V", r"Version (\S+)"),
    "oha": ("--version", r"oha (\S+)"),
}


def tools() -> str:
    """The programs that put load on the subjects and answer behind them."""
    found = []
    for name, (flag, pattern) in TOOLS.items():
        program = installed(name)
        if program:
            said = subprocess.run([program, flag], capture_output=True, text=True)
            version = re.search(pattern, said.stdout + said.stderr)
            found.append(f"{name} {version[1] if version else '?'}")
    return ", ".join(found)


def check_cores(usable: set[int]) -> None:
    """Both cores have to be there: sharing one, load and proxy would wait for each other."""
    missing = {LOAD_CORE, SUBJECT_CORE} - usable
    if missing:
        raise Failure(f"core {missing.pop()} is not for us; cores {LOAD_CORE} and {SUBJECT_CORE} are needed")
