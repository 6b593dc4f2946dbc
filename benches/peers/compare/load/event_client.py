"""event_client.py PORT STREAMS: reads event streams and counts.

Says READY when each of them has begun, then, for each line with a number of seconds, how many events and reads there were in
that time, as JSON. Ends with its input."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import dataclass
from typing import Any

ASK = b"GET /sse HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
# How long the first event of a stream may take.
PATIENCE = 10.0
# Streams begin one after the other in this time, so that their events are spread over it.
SPREAD = 0.01


@dataclass
class Counts:
    """Of all streams."""

    events: int = 0
    reads: int = 0


class Reader(asyncio.Protocol):
    """One stream. A read with several events in it means that somebody has held some of them back."""

    def __init__(self, counts: Counts, failed: asyncio.Future[None]) -> None:
        self._counts = counts
        self._failed = failed
        self._head: bytes | None = b""
        self.began = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(ASK)

    def data_received(self, data: bytes) -> None:
        if self._head is not None:
            data = self._after_head(data)
        events = data.count(b"\n\n")
        self._counts.events += events
        self._counts.reads += 1
        if events and not self.began.done():
            self.began.set_result(None)

    def _after_head(self, data: bytes) -> bytes:
        assert self._head is not None
        head, end, rest = (self._head + data).partition(b"\r\n\r\n")
        if not end:
            self._head = head
            return b""
        self._head = None
        if not head.startswith(b"HTTP/1.1 200 "):
            self._fail(f"a stream was answered by {head.splitlines()[0]!r}")
        return rest

    def connection_lost(self, error: Exception | None) -> None:
        self._fail(f"a stream has ended: {error}")

    def _fail(self, why: str) -> None:
        if not self._failed.done():
            self._failed.set_exception(RuntimeError(why))


async def read(port: int, streams: int) -> None:
    loop = asyncio.get_running_loop()
    counts, failed = Counts(), loop.create_future()
    readers = []
    for _ in range(streams):
        _, reader = await loop.create_connection(lambda: Reader(counts, failed), "127.0.0.1", port)
        readers.append(reader)
        await asyncio.sleep(SPREAD / streams)
    began = asyncio.ensure_future(asyncio.gather(*(reader.began for reader in readers)))
    await _unless(failed, began, PATIENCE)
    print("READY", flush=True)
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        before = Counts(counts.events, counts.reads)
        await _unless(failed, asyncio.ensure_future(asyncio.sleep(float(line))), None)
        print(json.dumps({"events": counts.events - before.events, "reads": counts.reads - before.reads}), flush=True)


async def _unless(failed: asyncio.Future[None], wanted: asyncio.Future[Any], seconds: float | None) -> None:
    """Waits for what is wanted, for no longer than this, and not if a stream has failed."""
    both: set[asyncio.Future[Any]] = {failed, wanted}
    await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    if failed.done():
        failed.result()
    if not wanted.done():
        raise RuntimeError("not every stream has begun")


if __name__ == "__main__":
    try:
        asyncio.run(read(int(sys.argv[1]), int(sys.argv[2])))
    except (RuntimeError, OSError) as error:
        sys.exit(str(error))
