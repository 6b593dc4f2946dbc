//! How often the primary's units are bad or slow, from earlier batches. The guard places its bets by
//! it: a wrong estimate costs time, never a false alarm.

use serde::{Deserialize, Serialize};

use super::counts::Tally;
use super::metric::Metric;

/// Older units fade so that about this many are remembered.
const MEMORY: f64 = 20_000.0;
/// How much a quantile's own definition weighs before anything was seen, in units; fewer units of
/// one's own are no knowledge.
const PRIOR: f64 = 1_000.0;

/// A decayed count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Rate {
    bad: f64,
    n: f64,
}

impl Rate {
    /// For a metric: nothing is known of errors, while by definition one in a hundred is slower
    /// than the 99th percentile.
    pub(super) fn new(metric: Metric) -> Self {
        match metric.quantile() {
            None => Self { bad: 0.0, n: 0.0 },
            Some(quantile) => Self {
                bad: (1.0 - quantile) * PRIOR,
                n: PRIOR,
            },
        }
    }

    /// The estimate, (bad + 0.5)/(n + 50): 1 % before anything is known, never 0.
    pub(super) fn estimate(self) -> f64 {
        (self.bad + 0.5) / (self.n + 50.0)
    }

    /// The estimate, if it is worth anything by itself.
    pub(super) fn known(self) -> Option<f64> {
        (self.n >= PRIOR).then(|| self.estimate())
    }

    /// Learns from a batch, after it has been judged.
    pub(super) fn learn(&mut self, tally: Tally) {
        self.bad += tally.bad as f64;
        self.n += tally.n as f64;
        if self.n > MEMORY {
            self.bad *= MEMORY / self.n;
            self.n = MEMORY;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_last_twenty_thousand() {
        let mut rate = Rate::new(Metric::Errors);
        assert!((rate.estimate() - 0.01).abs() < 1e-12);
        rate.learn(Tally::new(500, 1_000_000));
        assert!((rate.estimate() - 10.5 / 20_050.0).abs() < 1e-12);
        for _ in 0..100 {
            rate.learn(Tally::new(100, 1_000));
        }
        assert!((rate.estimate() - 0.1).abs() < 0.001);
        assert!((Rate::new(Metric::P50).estimate() - 500.5 / 1050.0).abs() < 1e-12);
    }
}
