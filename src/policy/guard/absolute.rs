//! Error rates against a fixed limit, without a primary beside it: the simple alternative, and the
//! only guard that is left at 100 %.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bet::{WORSE, log_factor_against};
use super::counts::Tally;
use super::metric::Metric;
use super::stake::{Mixture, Purse, ln_add};
use super::verdict::{Against, Reason};

/// The longest window of the simple form, in seconds.
const LONGEST: u64 = 3600;

/// Settings of the simple form.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// How far back is counted; up to an hour.
    pub window: Duration,
    /// The error rate that may not be exceeded, as a part of 1. [`Window::lowest_limit`] tells
    /// what is sensible.
    pub limit: f64,
    /// With fewer units in the window nothing is said: no traffic is no failure.
    pub min_units: u64,
    /// In how many seconds in a row it has to be exceeded.
    pub in_a_row: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            window: Duration::from_secs(60),
            limit: 0.05,
            min_units: 100,
            in_a_row: 3,
        }
    }
}

impl Window {
    /// A limit that noise alone hardly exceeds within an hour if the usual rate is `rate`: five
    /// standard deviations and one unit above it. A rule of thumb.
    pub fn lowest_limit(&self, rate: f64) -> f64 {
        let n = self.min_units.max(1) as f64;
        rate + 5.0 * (rate * (1.0 - rate) / n).sqrt() + 1.0 / n
    }
}

/// Errors within a sliding window, looked at each second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Simple {
    settings: Window,
    /// One slot per second; its length never changes.
    ring: Vec<Tally>,
    /// The second that was written last.
    newest: Option<u64>,
    exceeded: u32,
}

impl Simple {
    /// With an empty window.
    pub fn new(settings: Window) -> Self {
        let slots = settings.window.as_secs().clamp(1, LONGEST) as usize;
        Self {
            settings,
            ring: vec![Tally::default(); slots],
            newest: None,
            exceeded: 0,
        }
    }

    /// Takes what a second brought and looks. To be called once for each second, in order; seconds
    /// that are left out count as empty. Returns a reason when the limit was exceeded often
    /// enough in a row.
    pub fn feed(&mut self, now: Duration, second: Tally) -> Option<Reason> {
        let now = now.as_secs();
        let slots = self.ring.len() as u64;
        let from = self.newest.map_or(now, |newest| newest + 1);
        for late in from.max(now.saturating_sub(slots - 1))..=now {
            self.ring[(late % slots) as usize] = Tally::default();
        }
        self.newest = Some(self.newest.unwrap_or(now).max(now));
        self.ring[(now % slots) as usize].add(second);
        let seen = self.window();
        let is_over = seen.n >= self.settings.min_units.max(1)
            && seen.bad as f64 > self.settings.limit * seen.n as f64;
        self.exceeded = if is_over { self.exceeded + 1 } else { 0 };
        (self.exceeded >= self.settings.in_a_row.max(1)).then(|| Reason {
            metric: Metric::Errors,
            evidence: f64::from(self.exceeded),
            needed: f64::from(self.settings.in_a_row),
            candidate: seen,
            against: Against::Window(self.settings.limit),
        })
    }

    /// What the window holds.
    pub fn window(&self) -> Tally {
        let mut sum = Tally::default();
        self.ring.iter().for_each(|slot| sum.add(*slot));
        sum
    }
}

/// The claim "the rate is at most the limit" as a bet, valid at every look: the same formula and
/// the same restarts as the comparison, without a primary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Exact {
    limit: f64,
    false_rollback: f64,
    horizon: Duration,
    purse: Purse,
    mixture: Mixture,
    episode: Tally,
    breach: Option<Reason>,
}

impl Exact {
    /// For a limit of the rate and the probability that it is called exceeded within a horizon
    /// although it is not (parts of 1).
    pub fn new(limit: f64, false_rollback: f64, horizon: Duration, now: Duration) -> Self {
        Self {
            limit,
            false_rollback: false_rollback.clamp(1e-12, 0.5),
            horizon,
            purse: Purse::new(now, horizon),
            mixture: Mixture::new(Purse::FIRST, WORSE.len()),
            episode: Tally::default(),
            breach: None,
        }
    }

    /// Takes what a second brought. Returns the reason once the limit is exceeded; it stays.
    pub fn feed(&mut self, now: Duration, second: Tally) -> Option<&Reason> {
        if second.n > 0 {
            self.mixture.grow(&WORSE, f64::INFINITY, |odds| {
                log_factor_against(self.limit, second, odds)
            });
            self.episode.add(second);
            let due = self.purse.take_due(now);
            if due > 0.0 {
                self.mixture.put_in(due);
            }
            self.conclude(now);
        }
        self.breach.as_ref()
    }

    /// The evidence that the limit is exceeded: 1 is none.
    pub fn evidence(&self) -> f64 {
        ln_add(self.purse.cash().ln(), self.mixture.ln_total()).exp()
    }

    fn conclude(&mut self, now: Duration) {
        let evidence = self.evidence();
        if evidence <= 1.0 {
            self.episode = Tally::default();
        }
        if self.breach.is_none() && evidence >= 1.0 / self.false_rollback {
            self.breach = Some(Reason {
                metric: Metric::Errors,
                evidence,
                needed: 1.0 / self.false_rollback,
                candidate: self.episode,
                against: Against::Limit(self.limit),
            });
        }
        if self.purse.is_spent(now) && evidence <= 1.0 {
            self.purse = Purse::new(now, self.horizon);
            self.mixture = Mixture::new(Purse::FIRST, WORSE.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn the_window_forgets_and_needs_three_in_a_row() {
        let mut simple = Simple::new(Window::default());
        assert_eq!(simple.feed(seconds(100), Tally::new(99, 99)), None);
        assert_eq!(simple.feed(seconds(101), Tally::new(0, 1)), None);
        assert_eq!(simple.feed(seconds(102), Tally::default()), None);
        let reason = simple.feed(seconds(103), Tally::default()).unwrap();
        assert_eq!(reason.candidate, Tally::new(99, 100));
        assert_eq!(simple.feed(seconds(160), Tally::default()), None);
        assert_eq!(simple.window(), Tally::new(0, 1));
        assert_eq!(simple.feed(seconds(100_000), Tally::new(1, 1)), None);
        assert_eq!(simple.window(), Tally::new(1, 1));
        assert_eq!(simple.feed(seconds(99_000), Tally::new(1, 1)), None);
    }

    #[test]
    fn the_rule_of_thumb_is_above_the_rate() {
        let limit = Window::default().lowest_limit(0.005);
        assert!((limit - 0.050_267).abs() < 1e-5, "{limit}");
    }

    #[test]
    fn exact_stays_silent_at_the_limit_and_speaks_above() {
        for (rate, expected) in [(0.05, 0..=3), (0.02, 0..=0), (0.10, 60..=60)] {
            let found = (0..60)
                .filter(|seed| {
                    let mut rng = SmallRng::seed_from_u64(*seed);
                    let mut exact = Exact::new(0.05, 0.01, seconds(2000), Duration::ZERO);
                    (0..1000).any(|second| {
                        let bad = (0..10).filter(|_| rng.random::<f64>() < rate).count() as u64;
                        exact.feed(seconds(second), Tally::new(bad, 10)).is_some()
                    })
                })
                .count();
            assert!(expected.contains(&found), "{rate}: {found}");
        }
    }
}
