"""A client and the origin behind figshift, in one thread that does one thing at a time.

Who measures instructions wants the same work in each run. So the client sends a request, the origin takes it and
answers, the client takes the answer: nothing overlaps, and no reader ever finds half of what it waits for by chance.
"""

from __future__ import annotations

import selectors
import socket
import ssl
from collections.abc import Callable

PATIENCE = 30.0
"""Seconds until something that does not come is taken for an error: valgrind is slow, but not that slow."""


class Broken(RuntimeError):
    """Something came that was not asked for, or did not come."""


def complete(data: bytes) -> bool:
    """Whether a message of HTTP/1.1 is whole; one without a length has no body."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return False
    lines = head.lower().split(b"\r\n")
    lengths = [line.partition(b":")[2] for line in lines if line.startswith(b"content-length:")]
    return len(body) >= (int(lengths[0]) if lengths else 0)


class Origin:
    """Serves one request at a time, when it is told to."""

    def __init__(self) -> None:
        self.sockets = selectors.DefaultSelector()

    def listen(self, address: str = "127.0.0.1") -> int:
        """On a free port of it, which it gives."""
        listener = socket.create_server((address, 0), backlog=4096)
        self._watch(listener, self._accept)
        return int(listener.getsockname()[1])

    def close(self) -> None:
        """Ends all connections."""
        for key in list(self.sockets.get_map().values()):
            key.data[0].close()
        self.sockets.close()

    def request(self) -> socket.socket:
        """Takes one whole request; gives the connection that it came by."""
        waiting: dict[socket.socket, bytes] = {}
        while True:
            ready = self.sockets.select(PATIENCE)
            if not ready:
                raise Broken("figshift passed no request on")
            for key, _ in ready:
                source: socket.socket
                source, take = key.data
                waiting[source] = waiting.get(source, b"") + take(source)
                if complete(waiting[source]):
                    return source

    def _watch(self, source: socket.socket, take: Callable[[socket.socket], bytes]) -> None:
        self.sockets.register(source, selectors.EVENT_READ, (source, take))

    def _accept(self, listener: socket.socket) -> bytes:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._watch(connection, self._read)
        return b""

    def _read(self, connection: socket.socket) -> bytes:
        part = connection.recv(65536)
        if not part:
            self.sockets.unregister(connection)
            connection.close()
        return part


def connect(port: int, tls: ssl.SSLContext | None = None) -> socket.socket:
    """A client's connection to figshift."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return tls.wrap_socket(connection, server_hostname="localhost") if tls else connection


def receive(connection: socket.socket) -> bytes:
    """Some bytes."""
    part = connection.recv(65536)
    if not part:
        raise Broken("figshift closed the connection of the client")
    return part


def answer(connection: socket.socket) -> bytes:
    """One whole answer."""
    data = b""
    while not complete(data):
        data += receive(connection)
    if not data.startswith(b"HTTP/1.1 200 "):
        raise Broken(f"not the origin's answer: {data[:200]!r}")
    return data
