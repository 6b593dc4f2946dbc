"""What is needed for what was asked, beside the packages that are always needed."""

from __future__ import annotations

import os

from .options import Options

# Built or downloaded, so only if wanted.
OPTIONAL_PEERS = ("envoy", "caddy", "pingora")


def needed(said: Options) -> list[str]:
    """Words for `run`."""
    parts = [peer for peer in OPTIONAL_PEERS if peer in said.peers]
    if "rate" in said.scenarios:
        parts.append("oha")
    if not os.environ.get("FIGSHIFT_BIN"):
        parts.append("figshift")
    return parts
