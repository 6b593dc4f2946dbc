"""What all subjects have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field

from ..folder import Folder

FIGSHIFT = "figshift"
NGINX = "nginx"
HAPROXY = "haproxy"
# Not a proxy: the load goes to a backend, which shows what the load itself takes.
DIRECT = "direct"
PEERS = (NGINX, HAPROXY, "envoy", "caddy", "pingora")
# Without these a comparison says nothing.
NEEDED = (NGINX, HAPROXY)


@dataclass(frozen=True)
class Ports:
    """Where a subject listens: HTTP/1.1, TLS with HTTP/1.1 or HTTP/2, and HTTP/2 without TLS."""

    plain: int
    tls: int
    h2c: int


@dataclass(frozen=True)
class Place:
    """What a subject has to know to be started."""

    folder: Folder
    name: str
    ports: Ports
    backends: tuple[int, int]

    def configuration(self, template: str, **more: object) -> str:
        ports = {"PLAIN": self.ports.plain, "TLS": self.ports.tls, "H2C": self.ports.h2c}
        backends = {"BACKEND1": self.backends[0], "BACKEND2": self.backends[1]}
        return str(self.folder.configuration(template, self.name, {**ports, **backends, **more}))


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str
    # Found on this machine, or None.
    program: str | None
    command: Callable[[Place], list[str]]
    version: Callable[[], str]
    # A proxy that takes HTTP/2 without TLS on the port of HTTP/1.1.
    h2c_on_plain: bool = False
    # How it is started for scenarios that need another configuration, by the name of the scenario.
    otherwise: dict[str, Callable[[Place], list[str]]] = field(default_factory=dict)

    @property
    def is_proxy(self) -> bool:
        return self.name != DIRECT

    @property
    def is_peer(self) -> bool:
        return self.name in PEERS

    def command_for(self, scenario: str) -> Callable[[Place], list[str]]:
        return self.otherwise.get(scenario, self.command)


def installed(name: str) -> str | None:
    """A program that `run` has put under its folder, or that the system has."""
    own = os.environ.get("PEERS_TOOLS")
    path = f"{own}/bin:" if own else ""
    return shutil.which(name, path=f"{path}{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def said(*command: str, pattern: str) -> Callable[[], str]:
    """A version, from what the program says of itself."""

    def ask() -> str:
        try:
            asked = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except OSError as error:
            return f"unknown ({error})"
        found = re.search(pattern, asked.stdout + asked.stderr)
        return found[1] if found else "unknown"

    return ask
