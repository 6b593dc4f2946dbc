//! What a candidate's traffic was taken back for, in one word.

use crate::policy::guard::{Against, Metric, Verdict};
use crate::policy::ramp::Cause;

/// What it was taken back for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// More errors than the primary.
    Errors,
    /// Slower by half of its requests.
    P50,
    /// Slower by the slowest twentieth.
    P95,
    /// Slower by the slowest hundredth.
    P99,
    /// More errors than the fixed limit.
    Limit,
    /// The step of its ramp came to no result in time.
    Stalled,
    /// Its breaker opened again and again.
    Flapping,
}

/// How often each has happened, in the order of [`Blame::ALL`].
pub type Blames = [u64; Blame::COUNT];

impl Blame {
    /// How many there are.
    pub const COUNT: usize = 7;
    /// All of them, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Errors,
        Self::P50,
        Self::P95,
        Self::P99,
        Self::Limit,
        Self::Stalled,
        Self::Flapping,
    ];

    /// As it stands in metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
            Self::Limit => "limit",
            Self::Stalled => "stalled",
            Self::Flapping => "flapping",
        }
    }

    /// By what the ramp says, if there is one, and the guard's verdict.
    pub(in crate::control) fn of(cause: Option<Cause>, verdict: &Verdict) -> Option<Self> {
        match (cause, verdict) {
            (Some(Cause::Stalled), _) => Some(Self::Stalled),
            (Some(Cause::Flapping), _) => Some(Self::Flapping),
            (None | Some(Cause::Breach), Verdict::Breach(reason)) => Some(match reason.against {
                Against::Limit(_) | Against::Window(_) => Self::Limit,
                Against::Primary(_) => match reason.metric {
                    Metric::Errors => Self::Errors,
                    Metric::P50 => Self::P50,
                    Metric::P95 => Self::P95,
                    Metric::P99 => Self::P99,
                },
            }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::guard::{Reason, Tally};

    fn breach(metric: Metric, against: Against) -> Verdict {
        Verdict::Breach(Reason {
            metric,
            evidence: 120.0,
            needed: 100.0,
            candidate: Tally::new(30, 100),
            against,
        })
    }

    #[test]
    fn each_rollback_has_one_word() {
        for (index, blame) in Blame::ALL.into_iter().enumerate() {
            assert_eq!(blame as usize, index);
        }
        let primary = Against::Primary(Tally::new(1, 100));
        for (metric, blame) in Metric::ALL.into_iter().zip(Blame::ALL) {
            let verdict = breach(metric, primary);
            assert_eq!(metric.as_str(), blame.as_str());
            assert_eq!(Blame::of(None, &verdict), Some(blame));
            assert_eq!(Blame::of(Some(Cause::Breach), &verdict), Some(blame));
            assert_eq!(Blame::of(Some(Cause::Operator), &verdict), None);
        }
        for against in [Against::Limit(0.05), Against::Window(0.05)] {
            let verdict = breach(Metric::Errors, against);
            assert_eq!(Blame::of(None, &verdict), Some(Blame::Limit));
        }
        assert_eq!(
            Blame::of(Some(Cause::Flapping), &Verdict::Wait),
            Some(Blame::Flapping)
        );
        assert_eq!(
            Blame::of(Some(Cause::Stalled), &Verdict::Wait),
            Some(Blame::Stalled)
        );
        assert_eq!(Blame::of(None, &Verdict::Wait), None);
    }
}
