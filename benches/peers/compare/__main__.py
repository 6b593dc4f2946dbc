"""python3 -m compare: what `run` starts when all parts are there."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

from . import interrupt, limits, machine, options, parts
from .comparison import Comparison
from .failure import Failure
from .folder import Folder
from .goals import exit_code
from .options import Options
from .report import Run, markdown
from .subjects import others

UNUSABLE = 2


def main(words: list[str]) -> int:
    said = options.parse(words)
    interrupt.install()
    try:
        if said.parts:
            others(said.others)
            print("\n".join(parts.needed(said)))
            return 0
        machine.check_cores(os.sched_getaffinity(0))
        limits.raise_files()
        with tempfile.TemporaryDirectory(prefix="figshift-peers-") as path:
            run = Comparison(said, Folder(Path(path))).run()
    except Failure as failure:
        print(f"FAILED: {failure}", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("ended before anything was measured; all that was started is stopped", file=sys.stderr)
        return 128 + signal.SIGINT
    return _finish(said, run)


def _finish(said: Options, run: Run) -> int:
    table = markdown(run)
    print(table)
    if said.out:
        said.out.write_text(table)
    for scenario, failures in run.results.failures.items():
        for subject, why in failures.items():
            print(f"FAILED: {scenario} of {subject}: {why}", file=sys.stderr)
    if run.cut_after is not None:
        return 128 + signal.SIGINT
    if said.quick:
        print("This was --quick: it shows that everything runs and is no verdict.", file=sys.stderr)
    code = exit_code(run.verdicts()) if said.gate else 0
    return code or (1 if run.results.failures else 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
