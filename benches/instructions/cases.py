"""What is counted: each case prepares a client and gives one step, which is done again and again."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass

from h2 import Http2Client
from house import House
from lockstep import Broken, Origin, answer, connect, receive

Step = Callable[[], None]

HEAD = "Host: localhost\r\nUser-Agent: instructions/1\r\nAccept: */*\r\n"
GET = f"GET /v1/models HTTP/1.1\r\n{HEAD}\r\n".encode()
LAST_GET = f"GET /v1/models HTTP/1.1\r\n{HEAD}Connection: close\r\n\r\n".encode()
LARGE = b"x" * 10_240
POST = f"POST /v1/chat HTTP/1.1\r\n{HEAD}Content-Type: text/plain\r\nContent-Length: {len(LARGE)}\r\n\r\n".encode() + LARGE
STREAM = f"GET /v1/stream HTTP/1.1\r\n{HEAD}\r\n".encode()
STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
EVENT = b'data: {"id":"chat-1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":" word"}}]}\n\n'


def response(body: bytes) -> bytes:
    """What the origin answers."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


SMALL_ANSWER = response(b"abcdefghijklmnopqrstuvwxyz")
LARGE_ANSWER = response(LARGE)


class Stage:
    """figshift between its client and its origin."""

    def __init__(self, house: House, origin: Origin) -> None:
        self.house = house
        self.origin = origin

    def connect(self, tls: bool = False) -> socket.socket:
        """A client's connection."""
        trust = ssl.create_default_context(cafile=str(self.house.folder / "tls.crt")) if tls else None
        client = connect(self.house.https if tls else self.house.http, trust)
        self.house.settle()
        return client

    def leave(self, client: socket.socket) -> None:
        """Ends it."""
        client.close()
        self.house.settle()

    def stay(self, after: ExitStack, tls: bool = False) -> socket.socket:
        """A client's connection for as long as a case lasts."""
        client = self.connect(tls)
        after.callback(self.leave, client)
        return client

    def request(self) -> socket.socket:
        """The origin takes a request; gives the connection that it came by."""
        backend = self.origin.request()
        self.house.settle()
        return backend

    def exchange(self, client: socket.socket, request: bytes, reply: bytes) -> None:
        """A request and its answer."""
        client.sendall(request)
        self.request().sendall(reply)
        answer(client)
        self.house.settle()


Prepare = Callable[[Stage, ExitStack], Step]


def kept_alive(request: bytes, reply: bytes, tls: bool = False) -> Prepare:
    """One request after the other on one connection."""

    def prepare(stage: Stage, after: ExitStack) -> Step:
        client = stage.stay(after, tls)
        return lambda: stage.exchange(client, request, reply)

    return prepare


def connecting(tls: bool = False) -> Prepare:
    """A connection for each request, which figshift closes; with TLS each has a full handshake."""

    def prepare(stage: Stage, _after: ExitStack) -> Step:
        def step() -> None:
            client = stage.connect(tls)
            stage.exchange(client, LAST_GET, SMALL_ANSWER)
            if client.recv(1):
                raise Broken("figshift said more than it was asked")
            stage.leave(client)

        return step

    return prepare


def over_http2(stage: Stage, after: ExitStack) -> Step:
    """One stream after the other on one connection."""
    client = Http2Client(stage.stay(after))

    def step() -> None:
        client.get()
        stage.request().sendall(SMALL_ANSWER)
        client.answer()
        stage.house.settle()

    return step


def streaming(stage: Stage, after: ExitStack) -> Step:
    """One event after the other of one stream."""
    client = stage.stay(after)
    client.sendall(STREAM)
    backend = stage.request()
    chunk = f"{len(EVENT):x}\r\n".encode() + EVENT + b"\r\n"

    def step(head: bytes = b"") -> None:
        backend.sendall(head + chunk)
        take_event(client)
        stage.house.settle()

    step(STREAM_HEAD)
    return step


def take_event(client: socket.socket) -> None:
    """Reads to the end of a chunk with an event."""
    data = b""
    while not data.endswith(b"\n\n\r\n"):
        data += receive(client)


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    name: str
    prepare: Prepare
    steps: int
    """Of a window: so many that ticks and sweeps of the worker are lost among them."""


CASES = [
    Case("get", kept_alive(GET, SMALL_ANSWER), 500),
    Case("answer 10 KB", kept_alive(GET, LARGE_ANSWER), 500),
    Case("upload 10 KB", kept_alive(POST, SMALL_ANSWER), 500),
    Case("event", streaming, 500),
    Case("get h2c", over_http2, 500),
    Case("get tls", kept_alive(GET, SMALL_ANSWER, tls=True), 500),
    Case("connect", connecting(), 300),
    Case("connect tls", connecting(tls=True), 50),
]
