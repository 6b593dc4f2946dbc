//! What the guard is fed: per arrival second, how both sides did.

use serde::{Deserialize, Serialize};

use super::metric::Metric;

/// So many that counted against a side, of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// Bad or slow units. Never more than `n`.
    pub bad: u64,
    /// All units.
    pub n: u64,
}

impl Tally {
    /// `bad` of `n`; a `bad` beyond `n` counts as `n`.
    pub fn new(bad: u64, n: u64) -> Self {
        Self { bad: bad.min(n), n }
    }

    /// Units that did not count against the side.
    pub fn good(self) -> u64 {
        self.n.saturating_sub(self.bad)
    }

    pub(super) fn add(&mut self, other: Self) {
        self.bad = self.bad.saturating_add(other.bad);
        self.n = self.n.saturating_add(other.n);
    }
}

/// One metric on both sides, from the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Pair {
    /// The candidate's.
    pub candidate: Tally,
    /// The primary's.
    pub primary: Tally,
}

impl Pair {
    pub(super) fn add(&mut self, other: Self) {
        self.candidate.add(other.candidate);
        self.primary.add(other.primary);
    }
}

/// What one side did with the units that the split gave to it. A unit is what the split draws
/// for: a request, or a session where the split is sticky.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Units {
    /// All units, whoever served them in the end.
    pub n: u64,
    /// Those that went badly.
    pub bad: u64,
    /// Those whose latency was compared with the limit for p50, p95, p99. Zero while there are no
    /// limits. The three differ by units that the client gave up: one that had waited longer than
    /// a limit was slow by it, and nothing is known of it by a higher one.
    pub ok: [u64; 3],
    /// Of the `ok` ones, those above the limits for p50, p95, p99.
    pub slow: [u64; 3],
}

impl Units {
    fn add(&mut self, other: &Self) {
        self.n = self.n.saturating_add(other.n);
        self.bad = self.bad.saturating_add(other.bad);
        add_each(&mut self.ok, &other.ok);
        add_each(&mut self.slow, &other.slow);
    }

    fn tally(&self, metric: Metric, slow: &[u64; 3]) -> Tally {
        match metric {
            Metric::Errors => Tally::new(self.bad, self.n),
            Metric::P50 => Tally::new(slow[0], self.ok[0]),
            Metric::P95 => Tally::new(slow[1], self.ok[1]),
            Metric::P99 => Tally::new(slow[2], self.ok[2]),
        }
    }
}

/// What one arrival second (a cohort) brought: all requests that were *routed* in it, fed when
/// they have ended or their deadline is over. Feeding by the time of completion instead would let
/// the side with the quicker errors look worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CohortCounts {
    /// The primary's, `slow` by the primary's own limits.
    pub primary: Units,
    /// The candidate's, `slow` by the limits plus the rollback margin.
    pub candidate: Units,
    /// The candidate's `slow` by the limits plus the promotion margin.
    pub candidate_slow_to_promote: [u64; 3],
}

impl CohortCounts {
    /// Adds another second, or another worker's part of the same one. The order does not matter.
    pub fn add(&mut self, other: &Self) {
        self.primary.add(&other.primary);
        self.candidate.add(&other.candidate);
        add_each(
            &mut self.candidate_slow_to_promote,
            &other.candidate_slow_to_promote,
        );
    }

    /// Whether both sides have a unit, so that there is something to compare.
    pub fn is_two_sided(&self) -> bool {
        self.primary.n > 0 && self.candidate.n > 0
    }

    /// One metric for the question whether the candidate is worse than the rollback margin.
    pub(super) fn rollback_pair(&self, metric: Metric) -> Pair {
        self.pair(metric, &self.candidate.slow)
    }

    /// One metric for the question whether the candidate is better than the promotion margin.
    pub(super) fn promotion_pair(&self, metric: Metric) -> Pair {
        self.pair(metric, &self.candidate_slow_to_promote)
    }

    fn pair(&self, metric: Metric, candidate_slow: &[u64; 3]) -> Pair {
        Pair {
            candidate: self.candidate.tally(metric, candidate_slow),
            primary: self.primary.tally(metric, &self.primary.slow),
        }
    }
}

fn add_each(sum: &mut [u64; 3], part: &[u64; 3]) {
    for (sum, part) in sum.iter_mut().zip(part) {
        *sum = sum.saturating_add(*part);
    }
}
