//! What is at stake: a mixture over alternatives, and the cash that is kept for later. A product of
//! factors falls and falls while the candidate is fine, and would need as long again to notice that
//! it no longer is. So half of the stake is kept and put in bit by bit over the horizon: each bit is
//! a fresh start, and the whole is still a bet that began with 1 (a Shiryaev-Roberts recursion with
//! a finite budget).

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What is bet at once; the rest follows over the horizon.
const FIRST: f64 = 0.5;
/// Into how many bits the rest is divided.
const BITS: u32 = 256;
/// Bounds of a logarithm of wealth. The lower one keeps a lost bet from becoming minus infinity
/// (a restart adds to it anyway), the upper one keeps its exponential a number.
const LN_BOUND: f64 = 700.0;

/// `ln(exp a + exp b)` without overflow.
pub(super) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY {
        return high;
    }
    high + (low - high).exp().ln_1p()
}

/// The same stake on several alternatives: the average of their products.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Mixture {
    /// Logarithm of the wealth of each alternative.
    ln: Vec<f64>,
}

impl Mixture {
    /// `stake` divided equally over `alternatives`.
    pub(super) fn new(stake: f64, alternatives: usize) -> Self {
        Self {
            ln: vec![(stake / alternatives as f64).ln(); alternatives],
        }
    }

    /// Multiplies by a batch's factors: `log_factor` gives one for each alternative of the grid,
    /// of which at most `cap` counts. Less than a factor is still a fair bet.
    pub(super) fn grow(&mut self, grid: &[f64], cap: f64, log_factor: impl Fn(f64) -> f64) {
        for (ln, odds) in self.ln.iter_mut().zip(grid) {
            *ln = (*ln + log_factor(*odds).min(cap)).clamp(-LN_BOUND, LN_BOUND);
        }
    }

    /// Puts in more, divided equally.
    pub(super) fn put_in(&mut self, stake: f64) {
        let each = (stake / self.ln.len().max(1) as f64).ln();
        for ln in &mut self.ln {
            *ln = ln_add(*ln, each);
        }
    }

    /// The logarithm of all of its wealth.
    pub(super) fn ln_total(&self) -> f64 {
        self.ln.iter().copied().fold(f64::NEG_INFINITY, ln_add)
    }
}

/// The cash and its timetable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Purse {
    since: Duration,
    horizon: Duration,
    placed: u32,
}

impl Purse {
    /// What is bet from the start.
    pub(super) const FIRST: f64 = FIRST;

    /// From now, over this time.
    pub(super) fn new(now: Duration, horizon: Duration) -> Self {
        Self {
            since: now,
            horizon: horizon.max(Duration::from_secs(1)),
            placed: 0,
        }
    }

    /// What has not been put in yet.
    pub(super) fn cash(&self) -> f64 {
        (1.0 - FIRST) * f64::from(BITS - self.placed.min(BITS)) / f64::from(BITS)
    }

    /// Takes out what is due by now. Several bits at once when nothing was compared for a while.
    pub(super) fn take_due(&mut self, now: Duration) -> f64 {
        let gone = now.saturating_sub(self.since).as_secs_f64() / self.horizon.as_secs_f64();
        let due = (gone * f64::from(BITS)).min(f64::from(BITS)) as u32;
        let bits = due.saturating_sub(self.placed);
        self.placed += bits;
        (1.0 - FIRST) * f64::from(bits) / f64::from(BITS)
    }

    /// Whether the horizon is over.
    pub(super) fn is_spent(&self, now: Duration) -> bool {
        now.saturating_sub(self.since) >= self.horizon
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_stays_one_while_nothing_is_known() {
        let mut purse = Purse::new(Duration::ZERO, Duration::from_secs(2560));
        let mut mixture = Mixture::new(Purse::FIRST, 6);
        let mut pieces = 0;
        for second in [0, 9, 10, 11, 500, 501, 2000, 2559, 2560, 9999] {
            let due = purse.take_due(Duration::from_secs(second));
            if due > 0.0 {
                pieces += 1;
                mixture.put_in(due);
            }
            let whole = purse.cash() + mixture.ln_total().exp();
            assert!((whole - 1.0).abs() < 1e-12, "{second}: {whole}");
        }
        assert_eq!(pieces, 5);
        assert!(purse.cash().abs() <= 0.0);
        assert!(purse.is_spent(Duration::from_secs(2560)));
    }

    #[test]
    fn wealth_stays_a_number() {
        let mut mixture = Mixture::new(1.0, 2);
        for factor in [1e9, f64::INFINITY, -1e12, f64::NEG_INFINITY, 1e9] {
            mixture.grow(&[1.0, 2.0], f64::INFINITY, |_| factor);
            assert!(mixture.ln_total().exp().is_finite());
            assert!(mixture.ln_total().is_finite());
        }
        mixture.grow(&[1.0, 2.0], 0.5, |_| 9.0);
        assert!(mixture.ln_total() < 702.0);
        assert!((ln_add(0.0, 0.0) - 2f64.ln()).abs() < 1e-15);
        assert!(ln_add(f64::NEG_INFINITY, f64::NEG_INFINITY) < -1e300);
    }
}
