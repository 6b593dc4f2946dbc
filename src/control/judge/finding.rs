//! What is known of a candidate, for everybody to read.

use crate::policy::guard::{Metric, Progress, Reason, Verdict};
use crate::stats::{Cohort, Limits, SideCounts};

/// Units of one side since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// All that were compared or could have been.
    pub units: u64,
    /// Those that went badly.
    pub bad: u64,
    /// Those slower than the primary's p50, p95, p99 (the candidate's: by more than the rollback margin).
    pub slow: [u64; 3],
    /// Those whose latency was compared.
    pub timed: [u64; 3],
}

impl Totals {
    pub(super) fn add(&mut self, side: &SideCounts) {
        self.units += side.n;
        self.bad += side.bad_in_the_end();
        for u in 0..3 {
            self.slow[u] += side.slow[u];
            self.timed[u] += side.ok[u];
        }
    }

    pub(super) fn add_both(totals: &mut [Self; 2], cohort: &Cohort) {
        totals[0].add(&cohort.primary);
        totals[1].add(&cohort.candidate);
    }
}

/// What one metric says against the candidate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Which.
    pub metric: Metric,
    /// What its bets alone have become, out of ½; above that it speaks against the candidate.
    pub evidence: f64,
}

/// What the guard knows of a route.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// What follows.
    pub verdict: Verdict,
    /// A breach that was found, enforced or (in a dry run) not.
    pub detected: Option<Reason>,
    /// Nothing is enforced.
    pub dry_run: bool,
    /// Evidence against the candidate: 1 is none.
    pub evidence: f64,
    /// What a rollback needs.
    pub needed: f64,
    /// By metric.
    pub parts: Vec<Part>,
    /// How far each metric is that the next step asks for.
    pub progress: Vec<Progress>,
    /// Units of the candidate compared at this step.
    pub units_at_step: u64,
    /// About how many more of them the next step takes; `None` when no end is in sight.
    pub more_to_promote: Option<u64>,
    /// Comparisons so far.
    pub batches: u64,
    /// The candidate does not get the share that it was meant to get.
    pub ratio_alarm: bool,
    /// What counts as slow; `None` while too little is known of the primary.
    pub limits: Option<Limits>,
    /// Units since the start, of primary and candidate.
    pub totals: [Totals; 2],
}
