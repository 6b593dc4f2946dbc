"""As much of an HTTP/2 client (RFC 9113) as asks the same thing again and again."""

from __future__ import annotations

import socket
import struct

from lockstep import Broken, receive

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM = ACK = 0x1
END_HEADERS = 0x4


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """The bytes of a frame."""
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def text(value: bytes) -> bytes:
    """A string of HPACK, shorter than 127 bytes, as it is."""
    return bytes([len(value)]) + value


# HPACK (RFC 7541). `:method: GET` and `:scheme: http` stand in the static table. The first request adds the others to the
# dynamic one, as clients do; from then on they are a byte each, the newest under 62.
PSEUDO = b"\x82\x86"
FIRST = PSEUDO + b"\x44" + text(b"/v1/models") + b"\x41" + text(b"localhost")
FIRST += b"\x7a" + text(b"instructions/1") + b"\x53" + text(b"*/*")
LATER = PSEUDO + bytes([0x80 | 65, 0x80 | 64, 0x80 | 63, 0x80 | 62])


class Http2Client:
    """A connection with one stream at a time."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self.stream = -1
        self.unread = b""
        # Its windows are never full, so no update of them comes in between.
        settings = struct.pack(">HI", 4, 2**30)
        window = struct.pack(">I", 2**30)
        connection.sendall(PREFACE + frame(SETTINGS, 0, 0, settings) + frame(WINDOW_UPDATE, 0, 0, window))

    def get(self) -> None:
        """Sends a request."""
        self.stream += 2
        block = FIRST if self.stream == 1 else LATER
        self.connection.sendall(frame(HEADERS, END_STREAM | END_HEADERS, self.stream, block))

    def answer(self) -> None:
        """Takes frames until the answer has ended."""
        while True:
            kind, flags, stream, payload = self.next_frame()
            if kind in (RST_STREAM, GOAWAY):
                raise Broken(f"figshift ends it: frame {kind} {payload!r}")
            if kind in (SETTINGS, PING) and not flags & ACK:
                self.connection.sendall(frame(kind, ACK, 0, payload if kind == PING else b""))
            # `:status: 200` of the static table comes first.
            if kind == HEADERS and not payload.startswith(b"\x88"):
                raise Broken(f"not the origin's answer: {payload!r}")
            if kind in (DATA, HEADERS) and stream == self.stream and flags & END_STREAM:
                return

    def next_frame(self) -> tuple[int, int, int, bytes]:
        """Its type, flags, stream and payload."""
        head = self.take(9)
        kind, flags, stream = struct.unpack(">BBI", head[3:])
        return kind, flags, stream, self.take(int.from_bytes(head[:3]))

    def take(self, length: int) -> bytes:
        """So many bytes."""
        while len(self.unread) < length:
            self.unread += receive(self.connection)
        taken, self.unread = self.unread[:length], self.unread[length:]
        return taken
