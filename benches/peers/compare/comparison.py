"""The rounds."""

from __future__ import annotations

import json
import sys

from . import ports
from .backends import Backends
from .failure import Failure
from .fleet import Fleet
from .folder import Folder
from .options import Options
from .processes import Processes
from .report import Run
from .results import Results
from .scenarios import SCENARIOS, Scenario, Setting
from .subjects import NEEDED, Subject, chosen, others


class Comparison:
    """Each round runs each scenario with each subject, one after the other, so that a machine which becomes slower or faster
    in the meantime does so for all of them."""

    def __init__(self, said: Options, folder: Folder) -> None:
        self._said = said
        self._folder = folder
        self._subjects = [*chosen(said.peers), *others(said.others)]
        self._missing: list[str] = []
        self._results = Results()

    def run(self) -> Run:
        cut_after = None
        with Processes(self._folder.path) as processes:
            free = ports.free_ports()
            backends = Backends(processes, self._folder, free)
            fleet = Fleet(processes, self._folder, backends, free)
            self._start_all(fleet)
            setting = Setting(fleet, processes, self._said.seconds)
            finished = 0
            try:
                while finished < self._said.rounds:
                    self._round(finished, setting)
                    self._check_all(finished, fleet, backends)
                    finished += 1
                    self._save(finished)
            except KeyboardInterrupt:
                cut_after = finished
        said = self._said
        return Run(said.scenarios, said.rounds, said.seconds, self._subjects, self._missing, self._results, cut_after)

    def _start_all(self, fleet: Fleet) -> None:
        """Each is looked at before anything is measured. One that cannot be had is left out loudly, if we can do without it."""
        for subject in list(self._subjects):
            try:
                if not subject.program:
                    raise Failure(f"there is no {subject.name} on this machine")
                for scenario in self._said.scenarios:
                    fleet.get(subject, scenario)
            except Failure as failure:
                if subject.name in NEEDED or not subject.is_peer:
                    raise
                _tell(f"!! LEFT OUT: {subject.name}: {failure}")
                self._missing.append(subject.name)
                self._subjects.remove(subject)

    def _round(self, number: int, setting: Setting) -> None:
        # Who comes first changes, so that nobody always has the same neighbour before it.
        first = number % len(self._subjects)
        subjects = self._subjects[first:] + self._subjects[:first]
        for name in self._said.scenarios:
            scenario = SCENARIOS[name]
            if number and not scenario.every_round:
                continue
            found = [self._measure(scenario, subject, number, setting) for subject in subjects]
            _tell(f"round {number + 1} of {self._said.rounds}, {name}: " + "  ".join(filter(None, found)))

    def _measure(self, scenario: Scenario, subject: Subject, number: int, setting: Setting) -> str:
        """What is to be told of it."""
        if self._results.failure(scenario.name, subject.name) or not (subject.is_proxy or scenario.of_direct):
            return ""
        try:
            figures = scenario.measure(subject, setting)
        except Failure as failure:
            self._results.fail(scenario.name, subject.name, str(failure))
            _tell(f"!! FAILED: {scenario.name} of {subject.name}: {failure}")
            return ""
        self._results.add(scenario.name, subject.name, number, figures)
        main = figures.get(scenario.main)
        return "" if main is None else f"{subject.name} {main:.4g}"

    def _check_all(self, number: int, fleet: Fleet, backends: Backends) -> None:
        """Who has stopped to use both backends (a breaker, a guard) has been measured with less work, nobody knows since when."""
        for running in fleet.everything():
            try:
                backends.check(running)
            except Failure as failure:
                _tell(f"!! FAILED: after round {number + 1}: {failure}")
                for name in self._said.scenarios:
                    self._results.fail(name, running.name, f"after round {number + 1}: {failure}")

    def _save(self, finished: int) -> None:
        if self._said.json:
            rounds, failures = self._results.rounds, self._results.failures
            content = {"finished": finished, "seconds": self._said.seconds, "rounds": rounds, "failures": failures}
            self._said.json.write_text(json.dumps(content, indent=1) + "\n")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
