"""Files for figshift of any size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LISTEN = """\
state_dir = "{folder}/state"

[listen]
http    = "127.0.0.1:0"
{https}
admin   = "127.0.0.1:0"
workers = {workers}
idle    = "1h"

"""
TLS = """\
[listen.tls]
certificates = [{{ cert = "{folder}/tls.crt", key = "{folder}/tls.key" }}]

"""


def endpoints(port: int, count: int, first: int = 0) -> list[str]:
    """So many addresses of the loopback network, all of the same origin."""
    return [f"http://127.{1 + at // 65536}.{at // 256 % 256}.{at % 256}:{port}" for at in range(first + 1, first + count + 1)]


def backend(name: str, urls: list[str]) -> str:
    """With all that a request pays for."""
    listed = ",\n  ".join(f'"{url}"' for url in urls)
    return f'[backends.{name}]\nendpoints = [\n  {listed},\n]\nbreaker = {{ statuses = ["500-599"] }}\n\n'


def route(name: str, match: str = "") -> str:
    """With a candidate that gets half, and a guard."""
    text = f'[[routes]]\nname = "{name}"\nprimary = "legacy"\ncandidate = "vastai"\npercent = 50\n'
    text += f"match = {{ {match} }}\n" if match else ""
    return text + 'fallback_on = ["502-504"]\n\n[routes.guard]\nenabled = true\n\n'


def file(folder: object, port: int, *, routes: str = "", count: int = 1, workers: int = 1, https: int = 0) -> str:
    """The whole file: each backend with so many endpoints."""
    text = LISTEN.format(folder=folder, workers=workers, https=f'https = "127.0.0.1:{https}"' if https else "")
    text += TLS.format(folder=folder) if https else ""
    text += backend("legacy", endpoints(port, count)) + backend("vastai", endpoints(port, count, first=count))
    return text + (routes or route("chat"))


@dataclass(frozen=True)
class Kind:
    """By what routes differ, and the request that only the last of them takes."""

    name: str
    match: Callable[[int], str]
    path: Callable[[int], str]
    header: Callable[[int], tuple[str, ...]]


KINDS = [
    Kind("path", lambda n: f'path = "/r{n}/*"', lambda n: f"/r{n}/models", lambda n: ()),
    Kind("host", lambda n: f'host = "r{n}.example.com"', lambda n: "/v1/models", lambda n: (f"Host: r{n}.example.com",)),
    Kind("header", lambda n: f'headers = {{ x-tenant = "r{n}" }}', lambda n: "/v1/models", lambda n: (f"X-Tenant: r{n}",)),
]


def routes(kind: Kind, count: int) -> str:
    """So many; the admin port is asked for the last one, which is called `chat`."""
    names = [f"r{n}" for n in range(count - 1)] + ["chat"]
    return "".join(route(name, kind.match(n)) for n, name in enumerate(names))
