//! From rows of figures to the families that the exposition format knows.

use std::collections::HashMap;

use prometheus::core::Desc;
use prometheus::proto::{
    Bucket, Counter, Gauge, Histogram, LabelPair, Metric, MetricFamily, MetricType,
};

use crate::stats::{EDGES_US, HistogramTotals};

/// A metric and its `N` labels, known at compile time.
#[derive(Debug)]
pub(super) struct Spec<const N: usize> {
    /// Without the prefix.
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: [&'static str; N],
}

/// What a client waits less than a millisecond for is not worth a series.
const FIRST_EDGE_US: u64 = 1_000;

impl<const N: usize> Spec<N> {
    fn full_name(&self) -> String {
        format!("figshift_{}", self.name)
    }

    /// For the registry.
    pub(super) fn desc(&self) -> prometheus::Result<Desc> {
        Desc::new(
            self.full_name(),
            self.help.to_owned(),
            self.labels.map(str::to_owned).to_vec(),
            HashMap::new(),
        )
    }

    /// A family of counters: label values and count.
    pub(super) fn counters<'a>(
        &self,
        rows: impl IntoIterator<Item = ([&'a str; N], u64)>,
    ) -> MetricFamily {
        self.family(MetricType::COUNTER, rows, |metric, n| {
            let mut counter = Counter::default();
            counter.set_value(n as f64);
            metric.set_counter(counter);
        })
    }

    /// A family of counters of something that has parts: label values and sum.
    pub(super) fn sums<'a>(
        &self,
        rows: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) -> MetricFamily {
        self.family(MetricType::COUNTER, rows, |metric, sum| {
            let mut counter = Counter::default();
            counter.set_value(sum);
            metric.set_counter(counter);
        })
    }

    /// A family of gauges: label values and value.
    pub(super) fn gauges<'a>(
        &self,
        rows: impl IntoIterator<Item = ([&'a str; N], f64)>,
    ) -> MetricFamily {
        self.family(MetricType::GAUGE, rows, |metric, value| {
            let mut gauge = Gauge::default();
            gauge.set_value(value);
            metric.set_gauge(gauge);
        })
    }

    /// A family of histograms of durations.
    pub(super) fn histograms<'a>(
        &self,
        rows: impl IntoIterator<Item = ([&'a str; N], &'a HistogramTotals)>,
    ) -> MetricFamily {
        self.family(MetricType::HISTOGRAM, rows, |metric, totals| {
            metric.set_histogram(histogram(totals));
        })
    }

    fn family<'a, T>(
        &self,
        kind: MetricType,
        rows: impl IntoIterator<Item = ([&'a str; N], T)>,
        set: impl Fn(&mut Metric, T),
    ) -> MetricFamily {
        let metrics = rows.into_iter().map(|(values, figure)| {
            let mut metric = Metric::from_label(self.pairs(values));
            set(&mut metric, figure);
            metric
        });
        let mut family = MetricFamily::default();
        family.set_name(self.full_name());
        family.set_help(self.help.to_owned());
        family.set_field_type(kind);
        family.set_metric(metrics.collect());
        family
    }

    fn pairs(&self, values: [&str; N]) -> Vec<LabelPair> {
        let pair = |(name, value): (&&str, &str)| {
            let mut pair = LabelPair::default();
            pair.set_name((*name).to_owned());
            pair.set_value(value.to_owned());
            pair
        };
        self.labels.iter().zip(values).map(pair).collect()
    }
}

/// Exported edges are edges of the fine grid, so each bucket is an exact sum. An edge excludes
/// itself here and includes itself in Prometheus; they differ by the clock's microsecond.
fn histogram(totals: &HistogramTotals) -> Histogram {
    let buckets = EDGES_US.into_iter().zip(totals.cumulative());
    let buckets = buckets
        .filter(|(edge, _)| *edge >= FIRST_EDGE_US)
        .map(|(edge, below)| {
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(edge as f64 / 1e6);
            bucket.set_cumulative_count(below);
            bucket
        });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(totals.count());
    histogram.set_sample_sum(totals.sum_seconds());
    histogram
}
