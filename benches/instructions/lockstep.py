"""A client and the origin behind figshift, in one thread that does one thing at a time.

Who measures instructions wants the same work in each run. So the client sends a request, the origin takes it and
answers, the client takes the answer: nothing overlaps, and no reader ever finds half of what it waits for by chance.
"""

from __future__ import annotations

import select
import socket
import ssl
from dataclasses import dataclass, field

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


@dataclass
class Origin:
    """Serves one request at a time, when it is told to, on two ports: one for each side of the split."""

    listeners: list[socket.socket] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)

    def open(self) -> list[int]:
        """Listens, and gives the ports."""
        self.listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        return [listener.getsockname()[1] for listener in self.listeners]

    def close(self) -> None:
        for each in self.listeners + self.connections:
            each.close()

    def request(self) -> socket.socket:
        """Takes one whole request; gives the connection that it came by."""
        waiting: dict[socket.socket, bytes] = {}
        while True:
            readable, _, _ = select.select(self.listeners + self.connections, [], [], PATIENCE)
            if not readable:
                raise Broken("figshift passed no request on")
            for ready in readable:
                if ready in self.listeners:
                    self.accept(ready)
                    continue
                part = ready.recv(65536)
                if not part:
                    self.connections.remove(ready)
                    ready.close()
                    continue
                waiting[ready] = waiting.get(ready, b"") + part
                if complete(waiting[ready]):
                    return ready

    def accept(self, listener: socket.socket) -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections.append(connection)


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
