"""Clients that keep silent."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

from h2 import Http2Client
from lockstep import answer
from proxy import PATIENCE, Proxy

GET = b"GET /v1/models HTTP/1.1\r\nHost: localhost\r\nUser-Agent: scale/1\r\nAccept: */*\r\n\r\n"
WAYS = ("HTTP/1.1", "HTTP/1.1 over TLS", "HTTP/2")


def join(proxy: Proxy, way: str, https: int, trust: ssl.SSLContext | None) -> socket.socket:
    """A client, after its first answer."""
    over_tls = way == WAYS[1]
    client = socket.create_connection(("127.0.0.1", https if over_tls else proxy.http), timeout=PATIENCE)
    if over_tls and trust:
        client = trust.wrap_socket(client, server_hostname="localhost")
    if way == WAYS[2]:
        http2 = Http2Client(client)
        http2.get()
        http2.answer()
    else:
        client.sendall(GET)
        answer(client)
    return client


@contextlib.contextmanager
def queue(proxy: Proxy, count: int) -> Iterator[None]:
    """So many clients that have asked and wait for their answers, until the block ends."""
    with contextlib.ExitStack() as clients:
        for _ in range(count):
            client = clients.enter_context(socket.create_connection(("127.0.0.1", proxy.http), timeout=PATIENCE))
            client.sendall(GET)
        proxy.wait_for("figshift_client_requests_in_flight", count)
        yield


def ask_all(proxy: Proxy, paths: list[str], connections: int) -> None:
    """Each path on each of so many connections."""
    for _ in range(connections):
        with socket.create_connection(("127.0.0.1", proxy.http), timeout=PATIENCE) as client:
            for path in paths:
                client.sendall(GET.replace(b"/v1/models", path.encode()))
                answer(client)


@contextlib.contextmanager
def crowd(proxy: Proxy, count: int, folder: Path, way: str = WAYS[0], https: int = 0) -> Iterator[None]:
    """So many that have had an answer, until the block ends."""
    trust = ssl.create_default_context(cafile=str(folder / "tls.crt")) if https else None
    with contextlib.ExitStack() as clients:
        for _ in range(count):
            clients.enter_context(join(proxy, way, https, trust))
        yield
