"""What is measured: figshift, its peers, and no proxy at all."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .failure import Failure
from .folder import Folder


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
        backends = dict(zip(("BACKEND1", "BACKEND2"), self.backends))
        return str(self.folder.configuration(template, self.name, {**ports, **backends, **more}))


@dataclass(frozen=True)
class Subject:
    """One of those that are compared."""

    name: str
    # Found on this machine, or None.
    program: str | None
    command: Callable[[Place], list[str]]
    version: Callable[[], str]
    env: dict[str, str] = field(default_factory=dict)
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


FIGSHIFT = "figshift"
NGINX = "nginx"
HAPROXY = "haproxy"
# Not a proxy: the load goes to a backend, which shows what the load itself takes.
DIRECT = "direct"
PEERS = (NGINX, HAPROXY, "envoy", "caddy", "pingora")
# Without these a comparison says nothing.
NEEDED = (NGINX, HAPROXY)


def installed(name: str) -> str | None:
    """A program that `run` has put under its folder, or that the system has."""
    own = os.environ.get("PEERS_TOOLS")
    path = f"{own}/bin:" if own else ""
    return shutil.which(name, path=f"{path}{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def _said(*command: str, pattern: str) -> Callable[[], str]:
    """A version, from what the program says of itself."""

    def ask() -> str:
        try:
            asked = subprocess.run(command, capture_output=True, text=True, timeout=20)
        except OSError as error:
            return f"unknown ({error})"
        found = re.search(pattern, asked.stdout + asked.stderr)
        return found[1] if found else "unknown"

    return ask


def figshift(name: str, words: list[str]) -> Subject:
    """figshift from this binary. Its ports for HTTP/1.1 and HTTP/2 are the same one."""

    def command(place: Place) -> list[str]:
        return [*words, "serve", "--config", place.configuration("figshift.toml")]

    version = _said(*words, "--version", pattern=r"figshift (\S+)")
    return Subject(name, words[0], command, version, h2c_on_plain=True)


def another(text: str) -> Subject:
    """The subject of `--subject NAME=CMD`. A command with placeholders is taken as it is; one without is a figshift."""
    name, separator, command = text.partition("=")
    if not (separator and re.fullmatch(r"[a-z][a-z0-9._-]*", name) and command.strip()):
        raise Failure(f"--subject {text}: write NAME=CMD, with a name of small letters and digits")
    if name in (FIGSHIFT, DIRECT, *PEERS):
        raise Failure(f"--subject {text}: {name} is the name of another subject")
    words = shlex.split(command)
    program = shutil.which(words[0])
    if not program:
        raise Failure(f"--subject {text}: there is no program {words[0]}")
    words[0] = str(Path(program).resolve())
    if "{" not in command:
        return figshift(name, words)

    def filled(place: Place) -> list[str]:
        ports, folder = place.ports, place.folder
        values = {"plain": ports.plain, "tls": ports.tls, "h2c": ports.h2c, "folder": folder.path}
        values |= {"backend1": place.backends[0], "backend2": place.backends[1], "cert": folder.cert, "key": folder.key}
        try:
            return [word.format(**values) for word in words]
        except (KeyError, ValueError, IndexError):
            raise Failure(f"--subject {text}: the placeholders are {', '.join('{%s}' % key for key in values)}") from None

    return Subject(name, words[0], filled, lambda: command)


def nginx() -> Subject:
    program = installed("nginx") or "nginx"

    def command(place: Place) -> list[str]:
        return [program, "-p", str(place.folder.path), "-c", place.configuration("nginx.conf")]

    return Subject(NGINX, installed("nginx"), command, _said(program, "-v", pattern=r"nginx/(\S+)"))


def haproxy() -> Subject:
    program = installed("haproxy") or "haproxy"

    def with_option(option: str) -> Callable[[Place], list[str]]:
        return lambda place: [program, "-db", "-f", place.configuration("haproxy.cfg", STREAMS=option)]

    # Without the option it holds the events of a stream back until several have come, and is asked less often.
    no_delay = {"sse": with_option("option http-no-delay")}
    version = _said(program, "-v", pattern=r"version (\S+)")
    return Subject(HAPROXY, installed("haproxy"), with_option("no option http-no-delay"), version, otherwise=no_delay)


def direct() -> Subject:
    """Nothing in between. It is not started, so what it would be started with is never asked."""
    return Subject(DIRECT, DIRECT, lambda place: [], lambda: "")


MADE = {NGINX: nginx, HAPROXY: haproxy, DIRECT: direct}


def chosen(names: list[str]) -> list[Subject]:
    """figshift, and of the others those that were chosen."""
    program = os.environ.get("FIGSHIFT_BIN")
    if not program:
        raise Failure("FIGSHIFT_BIN names no binary; start this by benches/peers/run")
    return [figshift(FIGSHIFT, [program]), *(MADE[name]() for name in names if name in MADE)]


def others(texts: list[str]) -> list[Subject]:
    """Those of `--subject`."""
    found = [another(text) for text in texts]
    names = [subject.name for subject in found]
    if len(set(names)) < len(names):
        raise Failure("two of --subject have the same name")
    return found
