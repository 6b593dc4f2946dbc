"""The peers, and nothing at all. Their settings are in `configs/`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from .base import DIRECT, HAPROXY, NGINX, Place, Subject, installed, said


def nginx() -> Subject:
    program = installed("nginx") or "nginx"

    def command(place: Place) -> list[str]:
        return [program, "-p", str(place.folder.path), "-c", place.configuration("nginx.conf")]

    return Subject(NGINX, installed("nginx"), command, said(program, "-v", pattern=r"nginx/(\S+)"))


def haproxy() -> Subject:
    program = installed("haproxy") or "haproxy"

    def with_option(option: str) -> Callable[[Place], list[str]]:
        return lambda place: [program, "-db", "-f", place.configuration("haproxy.cfg", STREAMS=option)]

    # Without the option it holds the events of a stream back until several have come, and is asked less often.
    no_delay = {"sse": with_option("option http-no-delay")}
    version = said(program, "-v", pattern=r"version (\S+)")
    return Subject(HAPROXY, installed("haproxy"), with_option("no option http-no-delay"), version, otherwise=no_delay)


def envoy() -> Subject:
    program = installed("envoy") or "envoy"

    def command(place: Place) -> list[str]:
        # Its shared memory has a number, which another Envoy of this machine may have.
        own = ["--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error"]
        return [program, "--config-path", place.configuration("envoy.yaml"), *own]

    return Subject(
        "envoy", installed("envoy"), command, said(program, "--version", pattern=r"/(\d[\w.]*)/"), h2c_on_plain=True
    )


def caddy() -> Subject:
    program = installed("caddy") or "caddy"

    def command(place: Place) -> list[str]:
        # It keeps what it knows in the home of its user, unless told.
        keep = [f"XDG_DATA_HOME={place.folder.path}", f"XDG_CONFIG_HOME={place.folder.path}"]
        start = [program, "run", "--adapter", "caddyfile", "--config", place.configuration("Caddyfile")]
        return ["env", "GOMAXPROCS=1", *keep, *start]

    return Subject(
        "caddy", installed("caddy"), command, said(program, "version", pattern=r"v?(\d\S*)"), h2c_on_plain=True
    )


def pingora() -> Subject:
    program = installed("pingora") or "pingora"

    def command(place: Place) -> list[str]:
        numbers = (place.ports.plain, place.ports.tls, place.ports.h2c, *place.backends)
        return [program, *map(str, numbers), str(place.folder.cert), str(place.folder.key)]

    return Subject("pingora", installed("pingora"), command, _pingora_version)


def _pingora_version() -> str:
    """As locked; the program has no words."""
    lock = (Path(__file__).resolve().parents[2] / "pingora" / "Cargo.lock").read_text()
    found = re.search(r'^name = "pingora"\nversion = "([^"]+)"', lock, re.MULTILINE)
    return found[1] if found else "unknown"


def direct() -> Subject:
    """Nothing in between. It is not started, so what it would be started with is never asked."""
    return Subject(DIRECT, DIRECT, lambda place: [], lambda: "")
