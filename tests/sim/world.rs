//! Two backends and their traffic: errors at a rate, latency log-normal with a spread of ½ around
//! 100 ms, both moved by what both sides share. Requests come at 100 a second.

use std::sync::LazyLock;
use std::time::Duration;

use figshift::policy::guard::{CohortCounts, Guard, Settings, Thresholds, Units};
use figshift::stats::{Histogram, HistogramTotals, Limits};
use rand::{RngExt, rngs::SmallRng};

/// The primary's usual rate of errors.
pub(crate) const ERRORS: f64 = 0.005;
/// Spread and centre of the latency's logarithm, in microseconds.
const SPREAD: f64 = 0.5;
const CENTRE: f64 = 11.512_925_464_970_229;
/// Requests of the primary that were seen before.
const SEEN_BEFORE: u64 = 5_000;

/// One request's time: at 100 a second.
pub(crate) const REQUEST: Duration = Duration::from_millis(10);

/// What moves both sides alike.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Drift {
    None,
    /// Errors times and through three, latency up and down by a third, over 20 000 requests.
    Sinusoid,
    /// Errors times four and latency half as long again, from request 50 000 on.
    Level,
    /// Errors times ten and latency doubled, for 2 000 of every 25 000 requests.
    Incidents,
}

impl Drift {
    /// The factor of errors and what is added to the logarithm of latency.
    fn at(self, request: u64) -> (f64, f64) {
        match self {
            Self::None => (1.0, 0.0),
            Self::Sinusoid => {
                let wave = (std::f64::consts::TAU * request as f64 / 20_000.0).sin();
                ((1.1 * wave).exp(), 0.3 * wave)
            }
            Self::Level if request > 50_000 => (4.0, 1.5f64.ln()),
            Self::Incidents if request % 25_000 < 2_000 => (10.0, 2f64.ln()),
            Self::Level | Self::Incidents => (1.0, 0.0),
        }
    }
}

/// How the candidate is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Candidate {
    pub(crate) errors: f64,
    /// Its latency in terms of the primary's.
    pub(crate) slower: f64,
}

impl Candidate {
    pub(crate) const EQUAL: Self = Self {
        errors: ERRORS,
        slower: 1.0,
    };

    pub(crate) fn failing(errors: f64) -> Self {
        Self {
            errors,
            ..Self::EQUAL
        }
    }

    pub(crate) fn slower(slower: f64) -> Self {
        Self {
            slower,
            ..Self::EQUAL
        }
    }
}

/// A world: its rates, and the limits that the guard's thresholds found in its past.
pub(crate) struct World {
    pub(crate) primary_errors: f64,
    pub(crate) drift: Drift,
    limits: Limits,
}

impl World {
    /// Whose primary has been watched for a while.
    pub(crate) fn new(
        primary_errors: f64,
        drift: Drift,
        settings: &Settings,
        rng: &mut SmallRng,
    ) -> Self {
        let histogram = Histogram::default();
        for _ in 0..SEEN_BEFORE {
            let z = normal_quantile(rng.random::<f64>());
            histogram.record((CENTRE + SPREAD * z).exp() as u64);
        }
        let (mut thresholds, mut totals) = (Thresholds::default(), HistogramTotals::default());
        totals.add(&histogram);
        thresholds.learn(&totals);
        Self {
            primary_errors,
            drift,
            limits: thresholds.limits(settings).expect("enough was seen"),
        }
    }

    /// What the guard has learnt before.
    pub(crate) fn past(&self) -> CohortCounts {
        let n = SEEN_BEFORE;
        let bad = (self.primary_errors * n as f64).round() as u64;
        CohortCounts {
            primary: Units {
                n,
                bad,
                ok: [n; 3],
                slow: [n / 2, n / 20, n / 100],
            },
            ..CohortCounts::default()
        }
    }

    /// A guard that has seen this past.
    pub(crate) fn guard(&self, settings: &Settings) -> Guard {
        let mut guard = Guard::new(settings.clone(), Duration::ZERO);
        guard.learn(&self.past());
        guard
    }

    /// `n` requests from number `from` on, each given to the candidate with probability `share`.
    pub(crate) fn requests(
        &self,
        rng: &mut SmallRng,
        (from, n): (u64, u64),
        share: f64,
        candidate: Candidate,
    ) -> CohortCounts {
        let (factor, later) = self.drift.at(from);
        let slow = |limits: &[u64; 3], slower: f64| {
            limits
                .map(|us| 1.0 - normal(((us as f64).ln() - CENTRE - later - slower.ln()) / SPREAD))
        };
        let primary_slow = slow(&self.limits.primary, 1.0);
        let rollback_slow = slow(&self.limits.rollback, candidate.slower);
        let promotion_slow = slow(&self.limits.promotion, candidate.slower);
        let (primary_bad, candidate_bad) =
            (self.primary_errors * factor, candidate.errors * factor);
        let mut cohort = CohortCounts::default();
        for _ in 0..n {
            let is_candidate = rng.random::<f64>() < share;
            let (units, bad, limits) = if is_candidate {
                (&mut cohort.candidate, candidate_bad, &rollback_slow)
            } else {
                (&mut cohort.primary, primary_bad, &primary_slow)
            };
            units.n += 1;
            if rng.random::<f64>() < bad {
                units.bad += 1;
                continue;
            }
            units.ok.iter_mut().for_each(|n| *n += 1);
            let draw = rng.random::<f64>();
            count(draw, limits, &mut units.slow);
            if is_candidate {
                count(draw, &promotion_slow, &mut cohort.candidate_slow_to_promote);
            }
        }
        cohort
    }
}

fn count(draw: f64, chances: &[f64; 3], slow: &mut [u64; 3]) {
    for (slow, chance) in slow.iter_mut().zip(chances) {
        *slow += u64::from(draw < *chance);
    }
}

/// The normal distribution function from −8 to 8, summed up by the trapezium rule.
static NORMAL: LazyLock<Vec<f64>> = LazyLock::new(|| {
    let density = |x: f64| (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt();
    let mut sum = 0.0;
    (0..=16_000)
        .map(|step| {
            let x = f64::from(step) / 1_000.0 - 8.0;
            sum += density(x) / 1_000.0;
            sum - density(x) / 2_000.0
        })
        .collect()
});

/// The normal distribution function.
fn normal(x: f64) -> f64 {
    let at = (x.clamp(-7.999, 7.999) + 8.0) * 1_000.0;
    let (low, part) = (at as usize, at.fract());
    NORMAL[low] * (1.0 - part) + NORMAL[low + 1] * part
}

/// Its inverse.
fn normal_quantile(p: f64) -> f64 {
    let high = NORMAL.partition_point(|below| *below < p).clamp(1, 16_000);
    let (a, b) = (NORMAL[high - 1], NORMAL[high]);
    let part = if b > a { (p - a) / (b - a) } else { 0.0 };
    (high as f64 - 1.0 + part.clamp(0.0, 1.0)) / 1_000.0 - 8.0
}

#[test]
fn the_normal_curve_is_one() {
    for (x, expected) in [(0.0, 0.5), (1.0, 0.841_344_746), (-1.645, 0.049_984_905)] {
        assert!((normal(x) - expected).abs() < 1e-6, "{x}: {}", normal(x));
        assert!((normal_quantile(expected) - x).abs() < 1e-5);
    }
}
