//! The sample-ratio alarm: whether the candidate gets the share that it was meant to get. If not,
//! something chooses (a client that retries, a cache in front, a defect in the split), the sides are
//! no longer alike, and no comparison means anything.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Over which time shares are compared, unless said otherwise.
const WINDOW: Duration = Duration::from_secs(3600);
/// Five standard deviations, as an exponent: 5²/2.
const EXPONENT: f64 = 12.5;

/// Counts an hour, then the next. Once raised, the alarm stays until a whole hour was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatioAlarm {
    window: Duration,
    since: Option<Duration>,
    candidate: f64,
    expected: f64,
    variance: f64,
    wrong: bool,
    raised: bool,
}

impl Default for RatioAlarm {
    fn default() -> Self {
        Self::over(WINDOW)
    }
}

impl RatioAlarm {
    /// With windows of another length: where units come again and again, that in which each counts once.
    pub fn over(window: Duration) -> Self {
        Self {
            window,
            since: None,
            candidate: 0.0,
            expected: 0.0,
            variance: 0.0,
            wrong: false,
            raised: false,
        }
    }

    /// Takes the `units` of a second (of the split's own unit), how many of them the `candidate`
    /// got, and its `share` (0 to 1) at that time. Returns whether the alarm is on.
    pub fn feed(&mut self, now: Duration, units: u64, candidate: u64, share: f64) -> bool {
        let since = *self.since.get_or_insert(now);
        if now.saturating_sub(since) >= self.window {
            *self = Self {
                since: Some(now),
                raised: self.wrong,
                ..Self::over(self.window)
            };
        }
        let share = share.clamp(0.0, 1.0);
        self.candidate += candidate as f64;
        self.expected += units as f64 * share;
        self.variance += units as f64 * share * (1.0 - share);
        self.wrong |= (self.candidate - self.expected).abs() > tolerance(self.variance);
        self.raised |= self.wrong;
        self.raised
    }

    /// Whether the alarm is on.
    pub fn is_on(&self) -> bool {
        self.raised
    }
}

/// Five standard deviations and a bit for small numbers, where the normal curve is wrong: the
/// deviation that Bernstein's inequality gives at the same probability.
fn tolerance(variance: f64) -> f64 {
    let small = EXPONENT / 3.0;
    small + (small * small + 2.0 * EXPONENT * variance).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::{RngExt, SeedableRng, rngs::SmallRng};

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn silent_when_right_loud_when_wrong() {
        for (meant, real, expected) in [
            (0.01, 0.01, false),
            (0.5, 0.5, false),
            (0.001, 0.001, false),
            (0.5, 0.48, true),
            (0.01, 0.02, true),
            (0.0, 0.001, true),
        ] {
            let mut alarm = RatioAlarm::default();
            let mut rng = SmallRng::seed_from_u64(5);
            for second in 0..3600 {
                let candidate = (0..20).filter(|_| rng.random::<f64>() < real).count() as u64;
                alarm.feed(seconds(second), 20, candidate, meant);
            }
            assert_eq!(alarm.is_on(), expected, "{meant} {real}");
        }
    }

    #[test]
    fn a_whole_good_hour_ends_it() {
        let mut alarm = RatioAlarm::default();
        assert!(alarm.feed(seconds(0), 1000, 600, 0.5));
        assert!(alarm.feed(seconds(3599), 1000, 500, 0.5));
        assert!(alarm.feed(seconds(3600), 1000, 500, 0.5));
        assert!(alarm.feed(seconds(7199), 1000, 500, 0.5));
        assert!(!alarm.feed(seconds(7200), 1000, 500, 0.5));
        assert!(!RatioAlarm::default().feed(seconds(0), 1, 1, 0.001));
    }
}
