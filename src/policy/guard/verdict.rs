//! What the guard says, with enough in it to say why.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::counts::Tally;
use super::metric::Metric;

/// What follows from all that has been seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet.
    Wait,
    /// There is evidence against the candidate, not enough for a rollback: no step up.
    Freeze(Reason),
    /// The candidate is not worse than the promotion margin: a step up is in order.
    Pass,
    /// The candidate is worse than the rollback margin: take the traffic back. Stays.
    Breach(Reason),
    /// The step has lasted its longest time without a result. The reason names what speaks most
    /// against the candidate, which may be little.
    Stalled(Reason),
}

/// The metric that speaks most against the candidate, and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// Which metric.
    pub metric: Metric,
    /// The evidence of all metrics together: 1 is none, 100 means that this happens to a good
    /// candidate once in 100 horizons.
    pub evidence: f64,
    /// The evidence that a rollback needs.
    pub needed: f64,
    /// The candidate's units since the evidence began, by the rollback margin.
    pub candidate: Tally,
    /// What they are compared with.
    pub against: Against,
}

/// What the candidate is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The primary's units of the same time.
    Primary(Tally),
    /// A fixed limit of the rate, as a part of 1.
    Limit(f64),
    /// The same over a sliding window; "evidence" then is how many looks in a row found it.
    Window(f64),
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Tally { bad, n } = self.candidate;
        let (name, adjective) = (self.metric.as_str(), self.metric.adjective());
        match self.against {
            Against::Primary(primary) => write!(
                f,
                "{name} worse: {bad} of {n} {adjective} against {} of {}",
                primary.bad, primary.n
            )?,
            Against::Limit(limit) | Against::Window(limit) => write!(
                f,
                "{name} above the limit of {}%: {bad} of {n} {adjective}",
                (limit * 1e6).round() / 1e4
            )?,
        }
        match self.against {
            Against::Window(_) => write!(f, ", {:.0} looks in a row", self.evidence),
            _ => write!(
                f,
                ", evidence {} of {}",
                Rounded(self.evidence),
                Rounded(self.needed)
            ),
        }
    }
}

/// As few digits as tell something.
struct Rounded(f64);

impl fmt::Display for Rounded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            x if x >= 1e6 => write!(f, "{x:.1e}"),
            x if x >= 10.0 => write!(f, "{x:.0}"),
            x => write!(f, "{x:.1}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_read_well() {
        let mut reason = Reason {
            metric: Metric::P95,
            evidence: 143.2,
            needed: 100.0,
            candidate: Tally::new(34, 210),
            against: Against::Primary(Tally::new(12, 240)),
        };
        assert_eq!(
            reason.to_string(),
            "p95 worse: 34 of 210 slow against 12 of 240, evidence 143 of 100"
        );
        reason.metric = Metric::Errors;
        reason.against = Against::Limit(0.05);
        reason.evidence = 3.21;
        assert_eq!(
            reason.to_string(),
            "errors above the limit of 5%: 34 of 210 bad, evidence 3.2 of 100"
        );
        reason.against = Against::Window(0.0125);
        assert_eq!(
            reason.to_string(),
            "errors above the limit of 1.25%: 34 of 210 bad, 3 looks in a row"
        );
    }
}
