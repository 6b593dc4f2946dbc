"""The folder of one comparison: bodies, a certificate, configurations."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from . import limits
from .failure import Failure

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
BODIES = {"10k": 10 * 1024, "1m": 1024 * 1024}
LINE = b"0123456789abcdef" * 4


class Folder:
    """A temporary folder and what everybody needs in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # The workers of an nginx that was started by root are somebody else.
        path.chmod(0o755)
        self.cert, self.key, self.pem = (path / name for name in ("cert.pem", "key.pem", "both.pem"))
        self._write_bodies()
        self._make_certificate()

    def _write_bodies(self) -> None:
        www = self.path / "www"
        www.mkdir()
        for name, size in BODIES.items():
            (www / name).write_bytes(LINE * (size // len(LINE)))

    def _make_certificate(self) -> None:
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        command += ["-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        command += ["-keyout", str(self.key), "-out", str(self.cert)]
        made = subprocess.run(command, capture_output=True, text=True)
        if made.returncode != 0:
            raise Failure(f"openssl: {made.stderr.strip()}")
        self.pem.write_text(self.cert.read_text() + self.key.read_text())

    def configuration(self, template: str, name: str, values: Mapping[str, object]) -> Path:
        """Fills in a file of `configs/`: `@NAME@` is replaced, since `$` and braces are taken by the languages of the peers."""
        filled = (CONFIGS / template).read_text()
        shared: dict[str, object] = {
            "FOLDER": self.path,
            "NAME": name,
            "CERT": self.cert,
            "KEY": self.key,
            "PEM": self.pem,
            **limits.values(),
        }
        for key, value in {**shared, **values}.items():
            filled = filled.replace(f"@{key}@", str(value))
        path = self.path / f"{name}-{template}"
        path.write_text(filled)
        return path
