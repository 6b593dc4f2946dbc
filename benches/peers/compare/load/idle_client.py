"""idle_client.py PORT CONNECTIONS: opens connections, has one request answered on each, says READY, and holds them until its
input ends."""

from __future__ import annotations

import socket
import struct
import sys

ASK = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
# A connection that is closed with this is reset, and its port not kept for a minute.
AT_ONCE = struct.pack("ii", 1, 0)


def connect(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 5)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
    connection.sendall(ASK)
    answer = b""
    while b"\r\n\r\n" not in answer or answer.endswith(b"\r\n\r\n"):
        data = connection.recv(4096)
        if not data:
            raise OSError("closed before the answer was there")
        answer += data
    if not answer.startswith(b"HTTP/1.1 200 "):
        raise OSError(f"answered by {answer.splitlines()[0]!r}")
    if b"\r\nconnection: close\r\n" in answer.lower():
        raise OSError("this connection would not be kept")
    return connection


def main(port: int, wanted: int) -> None:
    connections: list[socket.socket] = []
    try:
        for _ in range(wanted):
            connections.append(connect(port))
    except OSError as error:
        sys.exit(f"connection {len(connections) + 1} of {wanted}: {error}")
    print("READY", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
