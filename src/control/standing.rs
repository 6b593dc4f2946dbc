//! Where the configuration stands: what is in force, and what became of the last save.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::force::Force;

/// What became of the last attempt to load the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force.
    Applied,
    /// It is broken: these are its problems, one a line. What was in force before still is.
    Refused(String),
}

/// Read by metrics, `/health` and the demo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Of the snapshot in force.
    pub epoch: u64,
    /// Of the last attempt.
    pub last: Outcome,
    /// When the configuration in force was applied.
    pub applied_at: SystemTime,
    /// When the last attempt was made.
    pub attempted_at: SystemTime,
    /// Attempts that were applied, the first load included.
    pub applied: u64,
    /// Attempts that were refused.
    pub refused: u64,
    /// The file was broken at the start, so the last good one is in force.
    pub from_last_good: bool,
    /// Keys whose new values wait for a restart.
    pub needs_restart: Vec<&'static str>,
    /// What is in force on each route, and why.
    pub forces: BTreeMap<String, Force>,
    /// Whether the last transition was written to the journal.
    pub journal_sound: bool,
}

impl Standing {
    /// What the file says of a route's candidate, in hundredths of a percent.
    pub fn file_percent(&self, route: &str) -> u16 {
        self.forces.get(route).map_or(0, Force::file)
    }
}
