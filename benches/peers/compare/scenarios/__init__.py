"""What is measured of each subject."""

from __future__ import annotations

from .base import Figures, Scenario, Setting
from .handshakes import HS
from .http1 import HTTP1
from .http2 import HTTP2
from .idle import IDLE
from .rate import RATE_SCENARIO
from .streams import SSE
from .syscalls import SYSCALLS

_SAT, *_OTHERS = HTTP1
_ALL: list[Scenario] = [_SAT, RATE_SCENARIO, *_OTHERS, SSE, *HTTP2, HS, IDLE, SYSCALLS]
SCENARIOS = {scenario.name: scenario for scenario in _ALL}

__all__ = ["SCENARIOS", "Figures", "Scenario", "Setting"]
