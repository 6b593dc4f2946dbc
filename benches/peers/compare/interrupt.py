"""Being told to stop, by Ctrl-C or by a signal, so that nothing that was started is left behind."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_held = 0
_pending = False


def install() -> None:
    """From now on each of them is a KeyboardInterrupt, once."""
    for number in SIGNALS:
        signal.signal(number, _told)


def _told(number: int, _: object) -> None:
    global _pending
    # What follows is stopping everything, and a second Ctrl-C must not leave half of it behind.
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    print(f"\n{signal.Signals(number).name}: stopping what was started", file=sys.stderr)
    if _held:
        _pending = True
    else:
        raise KeyboardInterrupt


@contextlib.contextmanager
def held() -> Iterator[None]:
    """What is in the block is done whole: between the start of a program and the note that it runs, an interrupt would
    lose it."""
    global _held, _pending
    _held += 1
    try:
        yield
    finally:
        _held -= 1
        if _pending and not _held:
            _pending = False
            raise KeyboardInterrupt
