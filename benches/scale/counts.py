"""The instructions of a request by the shape of the file, counted as benches/instructions does."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from cases import SMALL_ANSWER, Stage, kept_alive
from house import House
from lockstep import Origin
from measure import Measured, warm_up, windows

STEPS = 300
HEAD = "User-Agent: scale/1\r\nAccept: */*\r\n\r\n"


def request(path: str, headers: tuple[str, ...]) -> bytes:
    """A GET; with a Host of its own, if none is given."""
    host = () if any(line.startswith("Host:") for line in headers) else ("Host: localhost",)
    return f"GET {path} HTTP/1.1\r\n".encode() + "".join(f"{line}\r\n" for line in host + headers).encode() + HEAD.encode()


def count(binary: Path, file: Callable[[Path, int], str], asked: bytes, before: int = 0) -> Measured:
    """Of one connection, after so many requests. `file` makes the text for a folder and the port of the origin."""
    with contextlib.closing(Origin()) as origin, tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        with House(binary, folder, file(folder, origin.listen("0.0.0.0"))) as house, contextlib.ExitStack() as after:
            stage = Stage(house, origin)
            step = kept_alive(asked, SMALL_ANSWER)(stage, after)
            for _ in range(before):
                step()
            warm_up(stage, step)
            return Measured(STEPS, windows(stage, step, STEPS))
