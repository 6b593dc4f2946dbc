"""event_source.py PORT: answers every request with a stream of events, 100 in a second, until its client leaves."""

from __future__ import annotations

import asyncio
import sys

INTERVAL = 0.01
# Of the size of a token in the answer of a language model.
EVENT = b"data: " + b"x" * 50 + b"\n\n"
CHUNK = b"%x\r\n%s\r\n" % (len(EVENT), EVENT)
HEAD = b"\r\n".join(
    [
        b"HTTP/1.1 200 OK",
        b"Content-Type: text/event-stream",
        b"Cache-Control: no-cache",
        # nginx, as a subject, holds streams back unless it is told this.
        b"X-Accel-Buffering: no",
        b"Transfer-Encoding: chunked",
        b"",
        b"",
    ]
)


class Stream(asyncio.Protocol):
    """One client. Its events have times of their own, so that those of many clients come evenly."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._asked = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        if self._timer is None and b"\r\n\r\n" in self._asked:
            self._transport.write(HEAD)
            self._next(self._loop.time())

    def _next(self, due: float) -> None:
        self._transport.write(CHUNK)
        # By the clock and not by what has passed since: being late once is made up for.
        self._timer = self._loop.call_at(due + INTERVAL, self._next, due + INTERVAL)

    def connection_lost(self, _: Exception | None) -> None:
        if self._timer:
            self._timer.cancel()


async def serve(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Stream, "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
