//! What is compared: errors, and how many are slow at three points of the primary's latency.

use serde::{Deserialize, Serialize};

/// One question that the guard asks of both sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Metric {
    /// Units that went badly.
    Errors,
    /// Good units slower than the primary's median.
    P50,
    /// Good units slower than the primary's 95th percentile.
    P95,
    /// Good units slower than the primary's 99th percentile.
    P99,
}

impl Metric {
    /// How many there are.
    pub const COUNT: usize = 4;
    /// All, in the order of their indexes.
    pub const ALL: [Self; Self::COUNT] = [Self::Errors, Self::P50, Self::P95, Self::P99];
    /// Those about latency, in the order of the `slow` counters.
    pub const LATENCY: [Self; 3] = [Self::P50, Self::P95, Self::P99];

    /// As it stands in metrics, logs and the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Errors => "errors",
            Self::P50 => "p50",
            Self::P95 => "p95",
            Self::P99 => "p99",
        }
    }

    /// What a unit is called that counts against a side.
    pub fn adjective(self) -> &'static str {
        match self {
            Self::Errors => "bad",
            _ => "slow",
        }
    }

    /// The quantile of the primary's latency that divides slow from not slow; `None` for errors.
    pub fn quantile(self) -> Option<f64> {
        match self {
            Self::Errors => None,
            Self::P50 => Some(0.50),
            Self::P95 => Some(0.95),
            Self::P99 => Some(0.99),
        }
    }

    /// Its share of the guard's stake before those that are not watched are left out. Errors get
    /// most because they hurt most; the weights of all metrics add up to 1, so that all of them
    /// together spend one false-rollback budget.
    pub fn weight(self) -> f64 {
        match self {
            Self::Errors => 0.40,
            Self::P50 => 0.20,
            Self::P95 => 0.25,
            Self::P99 => 0.15,
        }
    }
}

/// A set of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<Metric>", into = "Vec<Metric>")]
pub struct Metrics(u8);

impl Metrics {
    /// None of them.
    pub const NONE: Self = Self(0);
    /// All of them.
    pub const ALL: Self = Self((1 << Metric::COUNT) - 1);

    /// This set and one more.
    #[must_use]
    pub const fn with(self, metric: Metric) -> Self {
        Self(self.0 | 1 << metric as u8)
    }

    /// Whether the metric is one of them.
    pub fn contains(self, metric: Metric) -> bool {
        self.0 & (1 << metric as u8) != 0
    }

    /// Those in the set, in the order of their indexes.
    pub fn iter(self) -> impl Iterator<Item = Metric> {
        Metric::ALL
            .into_iter()
            .filter(move |metric| self.contains(*metric))
    }

    /// The share of the stake of one metric of this set: weights of a set add up to 1.
    pub(super) fn weight(self, metric: Metric) -> f64 {
        metric.weight() / self.iter().map(Metric::weight).sum::<f64>()
    }
}

impl From<Vec<Metric>> for Metrics {
    fn from(list: Vec<Metric>) -> Self {
        list.into_iter().fold(Self::NONE, Self::with)
    }
}

impl From<Metrics> for Vec<Metric> {
    fn from(set: Metrics) -> Self {
        set.iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_match_the_lists_and_weights_add_up() {
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            assert_eq!(metric as usize, index);
        }
        for set in [
            Metrics::ALL,
            Metrics::NONE.with(Metric::Errors),
            Metrics::NONE.with(Metric::P50).with(Metric::P99),
        ] {
            let sum: f64 = set.iter().map(|metric| set.weight(metric)).sum();
            assert!((sum - 1.0).abs() < 1e-12);
        }
        assert_eq!(Metrics::from(Vec::from(Metrics::ALL)), Metrics::ALL);
    }
}
