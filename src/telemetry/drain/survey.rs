//! One look at the table of owners.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::owners::{Health, Owners, Tally};

/// What the table of owners holds at one moment. To make one looks at all entries.
#[derive(Debug, Clone)]
pub struct Survey {
    /// The moment, in unix seconds.
    pub now: u32,
    /// By rule and backend, in the order of their names.
    pub tallies: Vec<Tally>,
    /// How the table is.
    pub health: Health,
}

impl Survey {
    /// At present.
    pub fn of(owners: &Owners) -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = since.map_or(0, |since| since.as_secs());
        Self::at(owners, u32::try_from(now).unwrap_or(u32::MAX))
    }

    /// At this time, in unix seconds.
    pub fn at(owners: &Owners, now: u32) -> Self {
        // First the health: what the tallies miss meanwhile may have been evicted.
        let before = owners.health();
        let tallies = owners.tallies(now);
        let health = owners.health();
        Self {
            now,
            tallies,
            health: Health {
                since: before.since.max(health.since),
                blind_until: before.blind_until.max(health.blind_until),
                ..health
            },
        }
    }
}
