//! Durations in fine buckets. The edges that Prometheus sees are also edges of the fine grid, so
//! an exported bucket is an exact sum and never an estimate; between two edges lie 16 equal
//! sub-buckets, which puts a quantile within 6 % of the truth for most of the range.

use super::counter::Counter;

/// Edges in microseconds: 1 ms to 30 min, the range of GPU answers, and three below for overhead.
pub const EDGES_US: [u64; 22] = [
    250,
    500,
    750,
    1_000,
    2_500,
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    30_000_000,
    60_000_000,
    120_000_000,
    300_000_000,
    600_000_000,
    1_800_000_000,
];
/// Sub-buckets between two edges.
const SUB: usize = 16;
/// Fine buckets, the last one for everything above the last edge.
const FINE: usize = EDGES_US.len() * SUB + 1;
/// `START[b]`: the first interval that can hold a value of `b` significant bits.
const START: [u8; 65] = start_table();

const fn start_table() -> [u8; 65] {
    let mut table = [0u8; 65];
    let mut bits = 0;
    while bits <= 64 {
        let smallest = if bits == 0 { 0 } else { 1u64 << (bits - 1) };
        let mut interval = 0;
        while interval < EDGES_US.len() && EDGES_US[interval] <= smallest {
            interval += 1;
        }
        table[bits] = interval as u8;
        bits += 1;
    }
    table
}

/// The fine bucket of a duration. Upper edges are exclusive here by a microsecond, which is the
/// resolution of the clock that feeds it.
fn bucket(us: u64) -> usize {
    let mut interval = START[(64 - us.leading_zeros()) as usize] as usize;
    while interval < EDGES_US.len() && EDGES_US[interval] <= us {
        interval += 1;
    }
    if interval == EDGES_US.len() {
        return FINE - 1;
    }
    let low = low_edge(interval);
    interval * SUB + ((us - low) * SUB as u64 / (EDGES_US[interval] - low)) as usize
}

fn low_edge(interval: usize) -> u64 {
    if interval == 0 {
        0
    } else {
        EDGES_US[interval - 1]
    }
}

/// Written by one worker.
#[derive(Debug)]
pub struct Histogram {
    fine: [Counter; FINE],
    sum_us: Counter,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            fine: [const { Counter::new() }; FINE],
            sum_us: Counter::new(),
        }
    }
}

impl Histogram {
    /// Counts one duration, in microseconds.
    pub fn record(&self, us: u64) {
        self.fine[bucket(us)].add(1);
        self.sum_us.add(us);
    }
}

/// Sums over workers, and what can be read from them.
#[derive(Debug, Clone)]
pub struct HistogramTotals {
    fine: Vec<u64>,
    sum_us: u64,
}

impl Default for HistogramTotals {
    fn default() -> Self {
        Self {
            fine: vec![0; FINE],
            sum_us: 0,
        }
    }
}

impl HistogramTotals {
    /// Adds one worker's share.
    pub fn add(&mut self, part: &Histogram) {
        for (total, counter) in self.fine.iter_mut().zip(&part.fine) {
            *total += counter.get();
        }
        self.sum_us = self.sum_us.wrapping_add(part.sum_us.get());
    }

    /// Adds what was summed elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (total, part) in self.fine.iter_mut().zip(&other.fine) {
            *total += part;
        }
        self.sum_us = self.sum_us.wrapping_add(other.sum_us);
    }

    /// What has come since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            fine: self
                .fine
                .iter()
                .zip(&earlier.fine)
                .map(|(now, then)| now.saturating_sub(*then))
                .collect(),
            sum_us: self.sum_us.saturating_sub(earlier.sum_us),
        }
    }

    /// Number of durations.
    pub fn count(&self) -> u64 {
        self.fine.iter().sum()
    }

    /// Sum of durations in seconds.
    pub fn sum_seconds(&self) -> f64 {
        self.sum_us as f64 / 1e6
    }

    /// Cumulative counts at each of [`EDGES_US`].
    pub fn cumulative(&self) -> [u64; EDGES_US.len()] {
        let mut seen = 0;
        std::array::from_fn(|interval| {
            seen += self.fine[interval * SUB..(interval + 1) * SUB]
                .iter()
                .sum::<u64>();
            seen
        })
    }

    /// The `q`-quantile in seconds (0 ≤ `q` ≤ 1), interpolated inside its sub-bucket; `None` without data.
    /// A value above the last edge is reported as that edge.
    pub fn quantile(&self, q: f64) -> Option<f64> {
        let count = self.count();
        if count == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * count as f64;
        let mut seen = 0.0;
        for (index, n) in self.fine[..FINE - 1].iter().enumerate() {
            let next = seen + *n as f64;
            if *n > 0 && next >= rank {
                let low = low_edge(index / SUB) as f64;
                let width = (EDGES_US[index / SUB] as f64 - low) / SUB as f64;
                let within = ((rank - seen) / *n as f64).clamp(0.0, 1.0);
                return Some((low + width * ((index % SUB) as f64 + within)) / 1e6);
            }
            seen = next;
        }
        Some(EDGES_US[EDGES_US.len() - 1] as f64 / 1e6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_edge_starts_its_own_bucket() {
        for (interval, edge) in EDGES_US.into_iter().enumerate() {
            assert_eq!(bucket(edge), ((interval + 1) * SUB).min(FINE - 1), "{edge}");
            assert_eq!(bucket(edge - 1), (interval + 1) * SUB - 1, "{edge}");
        }
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u64::MAX), FINE - 1);
    }

    #[test]
    fn buckets_never_go_back() {
        let mut last = 0;
        for us in (0..3_000_000u64).step_by(7) {
            let index = bucket(us);
            assert!(index >= last);
            last = index;
        }
    }

    #[test]
    fn quantiles_and_counts_are_those_of_the_data() {
        let histogram = Histogram::default();
        for ms in 1..=1000 {
            histogram.record(ms * 1000);
        }
        let mut totals = HistogramTotals::default();
        totals.add(&histogram);
        assert_eq!(totals.count(), 1000);
        assert!((totals.sum_seconds() - 500.5).abs() < 1e-9);
        for (q, expected) in [(0.5, 0.5), (0.95, 0.95), (0.99, 0.99)] {
            let got = totals.quantile(q).unwrap();
            assert!((got / expected - 1.0).abs() < 0.06, "{q}: {got}");
        }
        // 1 ms to 99 ms lie below the edge of 100 ms.
        assert_eq!(totals.cumulative()[9], 99);
        assert_eq!(totals.since(&totals).quantile(0.5), None);
        let mut twice = totals.clone();
        twice.merge(&totals);
        assert_eq!(twice.count(), 2000);
        assert!((twice.sum_seconds() - 1001.0).abs() < 1e-9);
    }
}
