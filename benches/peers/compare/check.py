"""Does a subject do what it is measured for?"""

from __future__ import annotations

import http.client
import ssl
import subprocess
from collections.abc import Callable

from .failure import Failure
from .ports import HOST
from .subjects import Ports

# With a draw for each request, the odds that a working split misses a side are 2 in 2^60.
MOST_ASKED = 60

Ask = Callable[[], bytes]


def ways(ports: Ports) -> dict[str, Ask]:
    """The protocols that are measured."""
    trusting = ssl.create_default_context()
    trusting.check_hostname = False
    trusting.verify_mode = ssl.CERT_NONE
    return {
        "HTTP/1.1": lambda: _http1(http.client.HTTPConnection(HOST, ports.plain, timeout=5)),
        "HTTP/1.1 over TLS": lambda: _http1(http.client.HTTPSConnection(HOST, ports.tls, timeout=5, context=trusting)),
        "HTTP/2": lambda: _http2(f"http://{HOST}:{ports.h2c}/"),
        "HTTP/2 over TLS": lambda: _http2(f"https://{HOST}:{ports.tls}/"),
    }


def both_answer(what: str, ask: Ask, answers: tuple[bytes, bytes]) -> None:
    """Asks until both backends have been seen, and takes nothing else for an answer."""
    seen: set[bytes] = set()
    for _ in range(MOST_ASKED):
        try:
            answer = ask()
        except (OSError, http.client.HTTPException) as error:
            raise Failure(f"{what}: {error or type(error).__name__}") from error
        if answer not in answers:
            raise Failure(f"{what}: this is no backend's answer: {answer[:200]!r}")
        seen.add(answer)
        if len(seen) == len(answers):
            return
    raise Failure(f"{what}: {MOST_ASKED} requests, and all of them to one backend: {seen.pop().decode()!r}")


def _http1(connection: http.client.HTTPConnection) -> bytes:
    try:
        connection.request("GET", "/")
        response = connection.getresponse()
        body = response.read()
        return body if response.status == 200 else b"status %d: %s" % (response.status, body)
    finally:
        connection.close()


def _http2(url: str) -> bytes:
    """By nghttp, which says nothing where the other side does not speak HTTP/2."""
    return subprocess.run(["nghttp", "--no-verify-peer", "--timeout=5", url], capture_output=True, timeout=10).stdout
