"""Ratios, goals, and the table."""

from __future__ import annotations

import unittest

from compare import goals
from compare.goals import GOALS, Word, exit_code, judge
from compare.options import parse
from compare.report import Run, markdown
from compare.results import Results
from compare.scenarios import SCENARIOS
from compare.subjects import Subject

SUBJECTS = ["figshift", "nginx", "haproxy"]


def results(ours: float = 10.0, busy: float = 0.97, rounds: int = 9) -> Results:
    found = Results()
    for number in range(rounds):
        for subject, cpu in (("figshift", ours), ("nginx", 10.0), ("haproxy", 10.0)):
            figures = {"cpu": cpu, "user": cpu / 5, "rps": 1e6 / cpu, "busy": busy}
            found.add("sat", subject, number, figures)
    return found


def words(found: Results, rounds: int = 9) -> set[Word]:
    return {verdict.word for verdict in judge(found, rounds, ["sat"], SUBJECTS)}


class Ratios(unittest.TestCase):
    def test_are_medians_of_those_of_each_round(self) -> None:
        found = Results()
        # The machine is twice as slow in the second round, for both; in the third one for the first subject alone.
        for number, (ours, theirs) in enumerate([(9.0, 10.0), (18.0, 20.0), (30.0, 10.0)]):
            found.add("sat", "figshift", number, {"cpu": ours})
            found.add("sat", "haproxy", number, {"cpu": theirs})
        self.assertAlmostEqual(found.ratio("sat", "figshift", "haproxy", "cpu") or 0, 0.9)

    def test_only_of_rounds_that_both_have(self) -> None:
        found = Results()
        found.add("sat", "figshift", 0, {"cpu": 1.0})
        found.add("sat", "figshift", 1, {"cpu": 5.0})
        found.add("sat", "haproxy", 1, {"cpu": 10.0})
        self.assertEqual(found.ratios("sat", "figshift", "haproxy", "cpu"), [0.5])

    def test_who_has_failed_has_none(self) -> None:
        found = results()
        found.fail("sat", "figshift", "3 answers were not 2xx")
        self.assertIsNone(found.ratio("sat", "figshift", "haproxy", "cpu"))


class Verdicts(unittest.TestCase):
    def test_met_and_missed(self) -> None:
        self.assertEqual(words(results(ours=8.0)), {Word.MET})
        self.assertEqual(words(results(ours=20.0)), {Word.MISSED})

    def test_refused_with_too_few_rounds(self) -> None:
        self.assertEqual(words(results(ours=8.0, rounds=8), rounds=8), {Word.NO_VERDICT})

    def test_refused_when_something_else_was_the_limit(self) -> None:
        self.assertEqual(words(results(ours=8.0, busy=0.89)), {Word.NO_VERDICT})

    def test_refused_when_a_peer_has_failed(self) -> None:
        found = results(ours=8.0)
        found.fail("sat", "nginx", "it has ended")
        by_peer = {verdict.goal.peer: verdict.word for verdict in judge(found, 9, ["sat"], SUBJECTS)}
        self.assertEqual(by_peer, {"haproxy": Word.MET, "nginx": Word.NO_VERDICT})

    def test_exit_codes(self) -> None:
        for found, rounds, code in ((results(8.0), 9, 0), (results(20.0), 9, 1), (results(8.0), 3, 3)):
            self.assertEqual(exit_code(judge(found, rounds, ["sat"], SUBJECTS)), code)
        self.assertEqual(exit_code([]), 3)

    def test_goals_are_of_figures_that_are_measured(self) -> None:
        for goal in GOALS:
            self.assertIn(goal.figure, SCENARIOS[goal.scenario].columns, goal)


class Table(unittest.TestCase):
    def table(self, found: Results, rounds: int) -> str:
        subjects = [Subject(name, name, lambda place: [], lambda: "1.0") for name in SUBJECTS]
        return markdown(Run(["sat"], rounds, 4, subjects, [], found))

    def test_a_verdict_is_not_mentioned_in_the_rows(self) -> None:
        table = self.table(results(), 9)
        self.assertNotIn("no verdict", table)
        self.assertIn("| figshift | 10.0 | 2.00 | 100000 | 0.97 | 1.00 (1.00) | 1.00 (1.00) | 10.0, 10.0 |  |", table)

    def test_no_verdict_stands_in_each_row(self) -> None:
        for found, rounds in ((results(rounds=3), 3), (results(busy=0.5), 9)):
            rows = [
                line for line in self.table(found, rounds).splitlines() if line.startswith(("| sat", "| figshift | 10"))
            ]
            self.assertGreater(len(rows), 2)
            for row in rows:
                self.assertIn("no verdict", row)

    def test_a_failure_is_told(self) -> None:
        found = results()
        found.fail("sat", "nginx", "a|b\nc")
        self.assertIn("**failed**: a\\|b c |", self.table(found, 9))


class Words(unittest.TestCase):
    def test_defaults_give_verdicts(self) -> None:
        self.assertEqual(parse([]).rounds, goals.ROUNDS_FOR_A_VERDICT)

    def test_quick_does_not(self) -> None:
        said = parse(["--quick"])
        self.assertEqual((said.rounds, said.seconds), (3, 2))

    def test_in_the_order_of_the_table(self) -> None:
        self.assertEqual(parse(["--scenarios", "idle,sat"]).scenarios, ["sat", "idle"])


if __name__ == "__main__":
    unittest.main()
