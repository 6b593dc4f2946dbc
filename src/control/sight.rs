//! What is known of the feature flags, for everybody to read.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

/// By the route's name: those that have a flag in the file.
pub type FlagSights = BTreeMap<String, FlagSight>;

/// What is known of the flag of one route.
#[derive(Debug, Clone, PartialEq)]
pub struct FlagSight {
    /// Its key.
    pub key: String,
    /// The last good value, 0 to 100, before `max`; `None` while there is none since the start.
    pub says: Option<f64>,
    /// When that came, on the wall's clock.
    pub good_at: Option<SystemTime>,
    /// The same moment, or else when it was asked for the first time.
    pub since: Instant,
    /// Why the last question had no good answer; `None` if it had.
    pub error: Option<String>,
    /// From this age on it is stale.
    pub stale_after: Duration,
}

impl FlagSight {
    pub(super) fn new(key: &str, stale_after: Duration) -> Self {
        Self {
            key: key.to_owned(),
            says: None,
            good_at: None,
            since: Instant::now(),
            error: None,
            stale_after,
        }
    }

    /// How long ago the last good answer came; without one, for how long it has been asked for.
    pub fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Whether that is too long ago. The last value holds all the same.
    pub fn is_stale(&self, now: Instant) -> bool {
        self.age(now) >= self.stale_after
    }
}
