"""figshift, in the binary to be measured and in others."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

from ..failure import Failure
from .base import DIRECT, FIGSHIFT, PEERS, Place, Subject, said


def figshift(name: str, words: list[str]) -> Subject:
    """figshift from this binary. Its ports for HTTP/1.1 and HTTP/2 are the same one."""

    def command(place: Place) -> list[str]:
        return [*words, "serve", "--config", place.configuration("figshift.toml")]

    version = said(*words, "--version", pattern=r"figshift (\S+)")
    return Subject(name, words[0], command, version, h2c_on_plain=True)


def another(text: str) -> Subject:
    """The subject of `--subject NAME=CMD`. A command with placeholders is taken as it is; one without is a figshift."""
    name, separator, command = text.partition("=")
    if not (separator and re.fullmatch(r"[a-z][a-z0-9._-]*", name) and command.strip()):
        raise Failure(f"--subject {text}: write NAME=CMD, with a name of small letters and digits")
    if name in (FIGSHIFT, DIRECT, *PEERS):
        raise Failure(f"--subject {text}: {name} is the name of another subject")
    words = shlex.split(command)
    program = shutil.which(words[0])
    if not program:
        raise Failure(f"--subject {text}: there is no program {words[0]}")
    words[0] = str(Path(program).resolve())
    if "{" not in command:
        return figshift(name, words)

    def filled(place: Place) -> list[str]:
        ports, folder = place.ports, place.folder
        values = {"plain": ports.plain, "tls": ports.tls, "h2c": ports.h2c, "folder": folder.path}
        values |= {"backend1": place.backends[0], "backend2": place.backends[1], "cert": folder.cert, "key": folder.key}
        try:
            return [word.format(**values) for word in words]
        except (KeyError, ValueError, IndexError):
            known = ", ".join(f"{{{key}}}" for key in values)
            raise Failure(f"--subject {text}: the placeholders are {known}") from None

    return Subject(name, words[0], filled, lambda: "given by --subject")
