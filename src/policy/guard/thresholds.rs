//! What counts as slow: the primary's own quantiles, from its recent past. Both sides are counted
//! against the same limits at the same time, so a slowdown that both share cancels out, and a
//! limit that is somewhat off costs time, never a false alarm.

use crate::stats::{HistogramTotals, Limits};

use super::metric::Metric;
use super::settings::Settings;

/// So many durations make a generation; the last one and the one before it are remembered.
const GENERATION: u64 = 10_000;
/// Fewer durations give no limits: the 99th percentile needs some above it.
const FEWEST: u64 = 200;

/// The primary's recent latency.
#[derive(Debug, Clone, Default)]
pub struct Thresholds {
    seen: HistogramTotals,
    fresh: HistogramTotals,
    before: HistogramTotals,
}

impl Thresholds {
    /// Takes the primary's totals as they stand now; only what is new counts.
    pub fn learn(&mut self, totals: &HistogramTotals) {
        self.fresh.merge(&totals.since(&self.seen));
        self.seen.clone_from(totals);
        if self.fresh.count() >= GENERATION {
            self.before = std::mem::take(&mut self.fresh);
        }
    }

    /// The limits for cohorts that begin from now on, or `None` while too little is known. Meant
    /// to be asked once a minute and at each step.
    pub fn limits(&self, settings: &Settings) -> Option<Limits> {
        let mut recent = self.before.clone();
        recent.merge(&self.fresh);
        if recent.count() < FEWEST {
            return None;
        }
        let quantiles = Metric::LATENCY.map(|metric| {
            let quantile = metric.quantile().and_then(|q| recent.quantile(q));
            quantile.unwrap_or_default() * 1e6
        });
        let slower = |by: f64| quantiles.map(|us| (us * (1.0 + by)).round() as u64);
        Some(Limits {
            primary: slower(0.0),
            rollback: slower(settings.latency.rollback),
            promotion: slower(settings.latency.promotion),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;

    fn totals(histogram: &Histogram) -> HistogramTotals {
        let mut totals = HistogramTotals::default();
        totals.add(histogram);
        totals
    }

    #[test]
    fn limits_are_the_quantiles_and_the_margins() {
        let (mut thresholds, histogram) = (Thresholds::default(), Histogram::default());
        let settings = Settings::default();
        (1..=199).for_each(|ms| histogram.record(ms * 1000));
        thresholds.learn(&totals(&histogram));
        assert_eq!(thresholds.limits(&settings), None);
        (200..=1000).for_each(|ms| histogram.record(ms * 1000));
        thresholds.learn(&totals(&histogram));
        let limits = thresholds.limits(&settings).unwrap();
        for (got, expected) in limits.primary.into_iter().zip([500e3, 950e3, 990e3]) {
            assert!((got as f64 / expected - 1.0).abs() < 0.06, "{got}");
        }
        for u in 0..3 {
            let primary = limits.primary[u] as f64;
            assert!((limits.rollback[u] as f64 / primary - 1.05).abs() < 1e-4);
            assert!((limits.promotion[u] as f64 / primary - 1.10).abs() < 1e-4);
        }
    }

    #[test]
    fn the_distant_past_is_forgotten() {
        let (mut thresholds, histogram) = (Thresholds::default(), Histogram::default());
        for us in [100_000, 400_000, 400_000] {
            (0..GENERATION).for_each(|_| histogram.record(us));
            thresholds.learn(&totals(&histogram));
        }
        let limits = thresholds.limits(&Settings::default()).unwrap();
        assert!(limits.primary[0] > 380_000);
    }
}
