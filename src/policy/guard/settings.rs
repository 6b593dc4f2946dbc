//! What an operator can say about the guard, with the defaults. The defaults were chosen once and
//! then simulated; `tests/sim` shows what they come to.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::metric::{Metric, Metrics};

/// How much worse the candidate may be. The rollback margin has to be the smaller one: a candidate
/// between the two is promoted, one above the promotion margin is rolled back. If they were the
/// same, a candidate exactly on it would neither pass nor fail, and the ramp would stall.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Margins {
    /// Worse by more than this is rolled back.
    pub rollback: f64,
    /// Worse by less than this may go on.
    pub promotion: f64,
}

/// The guard's settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// How likely it may be that a candidate which is fine is rolled back, over one horizon
    /// (0 to 1). Its inverse is the evidence that a rollback needs.
    pub false_rollback: f64,
    /// How likely it may be, for each required metric and step, that a candidate on or above the
    /// promotion margin passes (0 to 1).
    pub false_promotion: f64,
    /// From this much evidence against the candidate on, the ramp does not go up.
    pub freeze_at: f64,
    /// Margins of the error rate, as parts of 1: 0.001 is 0.1 percentage points.
    pub errors: Margins,
    /// Margins of latency, as parts of the primary's: 0.05 is 5 % slower.
    pub latency: Margins,
    /// What can roll back.
    pub watch: Metrics,
    /// What has to pass before a step up.
    pub require: Metrics,
    /// No rollback on fewer bad or slow units of the candidate than this, since the evidence began.
    pub min_bad: u64,
    /// No step up on fewer units of the candidate than this, at this step.
    pub min_new: u64,
    /// How much a cohort may add to the logarithm of the evidence for a rollback; `None` is no
    /// limit. At 0.5 the evidence has to last some 16 s, so that a blip does not end a ramp: short
    /// hard failures are the breaker's job.
    pub evidence_cap: Option<f64>,
    /// Over which time a false rollback may happen with the probability above. Then the guard
    /// begins anew.
    pub horizon: Duration,
    /// Detect and tell, but take nothing back.
    pub dry_run: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            false_rollback: 0.01,
            false_promotion: 0.05,
            freeze_at: 10.0,
            errors: Margins {
                rollback: 0.001,
                promotion: 0.005,
            },
            latency: Margins {
                rollback: 0.05,
                promotion: 0.10,
            },
            watch: Metrics::ALL,
            // Of the latency metrics p95 tells most about users' waiting for the traffic it
            // takes; requiring all three would double the time of a step.
            require: Metrics::NONE.with(Metric::Errors).with(Metric::P95),
            min_bad: 5,
            min_new: 100,
            evidence_cap: Some(0.5),
            horizon: Duration::from_secs(24 * 3600),
            dry_run: false,
        }
    }
}

impl Settings {
    /// For the automatic retry of this number after a rollback (0 is the first time): the allowed
    /// probability of a false rollback halves each time, so that all tries together stay below
    /// twice of what one was allowed.
    #[must_use]
    pub fn for_attempt(&self, attempt: u8) -> Self {
        Self {
            false_rollback: self.false_rollback / f64::from(1u32 << attempt.min(16)),
            ..self.clone()
        }
    }

    /// Within what the formulas can take: nonsense becomes the nearest sense.
    #[must_use]
    pub(super) fn sane(mut self) -> Self {
        let part = |x: f64, low, high, default| {
            if x.is_nan() {
                default
            } else {
                x.clamp(low, high)
            }
        };
        self.false_rollback = part(self.false_rollback, 1e-12, 0.5, 0.01);
        self.false_promotion = part(self.false_promotion, 1e-12, 0.5, 0.05);
        self.freeze_at = part(self.freeze_at, 1.0, 1e12, 10.0);
        for margin in [&mut self.errors.rollback, &mut self.errors.promotion] {
            *margin = part(*margin, 0.0, 0.9, 0.0);
        }
        for margin in [&mut self.latency.rollback, &mut self.latency.promotion] {
            *margin = part(*margin, 0.0, 1e3, 0.0);
        }
        self.evidence_cap = self.evidence_cap.filter(|cap| *cap > 0.0);
        self
    }

    /// The evidence that a rollback needs.
    pub fn evidence_to_roll_back(&self) -> f64 {
        1.0 / self.false_rollback
    }

    /// The evidence that each required metric needs before a step.
    pub fn evidence_to_promote(&self) -> f64 {
        1.0 / self.false_promotion
    }

    /// The margin that enters the formula. Latency margins enter by the limits instead.
    pub(super) fn error_margins(&self, metric: Metric) -> Margins {
        match metric {
            Metric::Errors => self.errors,
            _ => Margins {
                rollback: 0.0,
                promotion: 0.0,
            },
        }
    }

    /// The margins as the operator wrote them.
    pub fn margins(&self, metric: Metric) -> Margins {
        match metric {
            Metric::Errors => self.errors,
            _ => self.latency,
        }
    }

    /// Which metric's units count for `min_bad` beside errors: the first of these that is watched.
    pub(super) fn slow_to_count(&self) -> Option<Metric> {
        [Metric::P95, Metric::P50, Metric::P99]
            .into_iter()
            .find(|metric| self.watch.contains(*metric))
    }
}
