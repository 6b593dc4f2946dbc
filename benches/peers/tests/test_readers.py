"""What the programs print that put load on a subject."""

from __future__ import annotations

import json
import unittest

from compare.failure import Failure
from compare.load import ab, h2load, oha, wrk
from compare.scenarios.syscalls import per_request

WRK = "\nRESULT requests=1000 microseconds=2000000 status=0 connect=0 read=0 write=0 timeout=0\n"
H2LOAD = """
finished in 500.00ms, 2000.00 req/s, 1.00MB/s
requests: 1000 total, 1128 started, 1000 done, 1000 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 1050 2xx, 0 3xx, 0 4xx, 0 5xx
"""
AB = """
Time taken for tests:   2.000 seconds
Complete requests:      1000
Failed requests:        0
Time per request:       49.502 [ms] (mean)
"""
STRACE = """
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.600000           6      2000       100 recvfrom
 39.00    0.390000           3      2000           sendto
  1.00    0.010000           1        50           epoll_wait
  0.00    0.000000           0        10           getpid
------ ----------- ----------- --------- --------- ----------------
100.00    1.000000           4      4060       100 total
"""


def said_by_oha(status: dict[str, int], errors: dict[str, int]) -> str:
    said = {"statusCodeDistribution": status, "errorDistribution": errors, "latencyPercentiles": {"p50": 0.0001}}
    return json.dumps(said)


class Wrk(unittest.TestCase):
    def test_good(self) -> None:
        self.assertEqual(wrk.read(WRK), wrk.Seen(1000, 2.0))

    def test_any_refusal_is_a_failure(self) -> None:
        with self.assertRaisesRegex(Failure, "3 of 1000 answers were not 2xx"):
            wrk.read(WRK.replace("status=0", "status=3"))

    def test_any_broken_connection_is_a_failure(self) -> None:
        with self.assertRaisesRegex(Failure, "read': 7"):
            wrk.read(WRK.replace("read=0", "read=7"))

    def test_nothing_is_a_failure(self) -> None:
        for printed in ("", WRK.replace("requests=1000", "requests=0")):
            with self.assertRaises(Failure):
                wrk.read(printed)


class Oha(unittest.TestCase):
    def test_good(self) -> None:
        seen = oha.read(said_by_oha({"200": 1000}, {oha.UNFINISHED: 64}), 1000)
        self.assertEqual((seen.requests, seen.percentiles["p50"]), (1000, 0.0001))

    def test_refusals_and_errors_are_failures(self) -> None:
        for printed in (said_by_oha({"200": 999, "502": 1}, {}), said_by_oha({"200": 1000}, {"connection reset": 1})):
            with self.assertRaises(Failure):
                oha.read(printed, 1000)

    def test_a_rate_that_was_not_kept_is_a_failure(self) -> None:
        with self.assertRaisesRegex(Failure, "only 800 of 1000"):
            oha.read(said_by_oha({"200": 800}, {}), 1000)


class H2load(unittest.TestCase):
    def test_heads_of_what_was_not_finished_are_no_failure(self) -> None:
        self.assertEqual(h2load.read(H2LOAD), h2load.Seen(1000, 0.5))

    def test_refusals_and_errors_are_failures(self) -> None:
        for good, bad in (("0 5xx", "1 5xx"), ("1000 succeeded, 0 failed", "999 succeeded, 1 failed")):
            with self.assertRaises(Failure):
                h2load.read(H2LOAD.replace(good, bad))


class Ab(unittest.TestCase):
    def test_good(self) -> None:
        self.assertEqual(ab.read(AB), ab.Seen(1000, 2.0))

    def test_refusals_and_errors_are_failures(self) -> None:
        for printed in (AB + "Non-2xx responses:      5\n", AB.replace("requests:        0", "requests:        2"), ""):
            with self.assertRaises(Failure):
                ab.read(printed)


class Strace(unittest.TestCase):
    def test_by_kind(self) -> None:
        figures = per_request(STRACE, 1000)
        expected = {"all": 4.06, "receive": 2.0, "send": 2.0, "wait": 0.05, "register": 0.0, "other": 0.01}
        for kind, value in expected.items():
            self.assertAlmostEqual(figures[kind], value, msg=kind)

    def test_nothing_is_a_failure(self) -> None:
        with self.assertRaises(Failure):
            per_request("", 1000)


if __name__ == "__main__":
    unittest.main()
