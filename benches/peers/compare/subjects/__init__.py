"""What is measured: figshift, its peers, and no proxy at all."""

from __future__ import annotations

import os

from ..failure import Failure
from . import peers
from .base import DIRECT, FIGSHIFT, HAPROXY, NEEDED, NGINX, PEERS, Place, Ports, Subject, installed
from .figshift import another, figshift

MADE = {
    NGINX: peers.nginx,
    HAPROXY: peers.haproxy,
    "envoy": peers.envoy,
    "caddy": peers.caddy,
    "pingora": peers.pingora,
    DIRECT: peers.direct,
}


def chosen(names: list[str]) -> list[Subject]:
    """figshift, and of the others those that were chosen."""
    program = os.environ.get("FIGSHIFT_BIN")
    if not program:
        raise Failure("FIGSHIFT_BIN names no binary; start this by benches/peers/run")
    return [figshift(FIGSHIFT, [program]), *(MADE[name]() for name in names)]


def others(texts: list[str]) -> list[Subject]:
    """Those of `--subject`."""
    found = [another(text) for text in texts]
    names = [subject.name for subject in found]
    if len(set(names)) < len(names):
        raise Failure("two of --subject have the same name")
    return found


__all__ = [
    "DIRECT",
    "FIGSHIFT",
    "HAPROXY",
    "NEEDED",
    "NGINX",
    "PEERS",
    "Place",
    "Ports",
    "Subject",
    "chosen",
    "installed",
    "others",
]
