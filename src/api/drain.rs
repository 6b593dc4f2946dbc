//! How far backends are from being free of work.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/drain`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drains {
    /// Names of the rules of ownership.
    pub rules: Vec<String>,
    /// The table of owners that they keep.
    pub table: OwnersTable,
    /// Those of the file by name, then those that are not in it and own something live.
    pub backends: Vec<BackendDrain>,
}

/// How the table of owners is. Counts without another word are since the start of figshift.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnersTable {
    /// Entries, including those that have expired and are not swept yet.
    pub entries: usize,
    /// The most that it holds.
    pub capacity: usize,
    /// When it began: RFC 3339, UTC. What was made before is not known. It survives restarts.
    pub since: String,
    /// Until when something may be live that it has lost or could not take; `null`: nothing.
    pub blind_until: Option<String>,
    /// Whether it is on disk; else a restart would forget it.
    pub on_disk: bool,
    /// Changes that are not on disk yet.
    pub waiting: usize,
    /// Live entries that had to make room for others.
    pub evicted_live: u64,
    /// Owners that were not learned: too long, or no room.
    pub refused: u64,
    /// Failures to write.
    pub write_errors: u64,
}

/// How far a backend is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BackendDrain {
    /// Its name.
    pub backend: String,
    /// How far it is.
    pub state: DrainWord,
    /// It may be stopped: it is drained, gets nothing new, and is the primary of no route.
    pub safe_to_stop: bool,
    /// Why not, and what to do; where it may be, what else there is to know. A sentence each.
    pub because: Vec<String>,
    /// Live things that it owns, over all rules.
    pub live: usize,
    /// What it owns, by rule.
    pub owned: Vec<RuleDrain>,
    /// Requests on their way to it.
    pub in_flight: u64,
    /// Tunnels open to it.
    pub tunnels_open: u64,
}

/// What a backend owns by a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RuleDrain {
    /// The rule.
    pub rule: String,
    /// Things whose work goes on, as far as is known.
    pub live: usize,
    /// Things whose work is over, and that are still known.
    pub done: usize,
    /// When the oldest live one was learned: RFC 3339, UTC; `null` without one.
    pub oldest_live: Option<String>,
}

/// How far a backend is from being free of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DrainWord {
    /// A route gives it new requests.
    Serving,
    /// It gets none, and has live things, requests on their way, or open tunnels.
    Draining,
    /// Nothing is known to be there, but that may be for want of knowledge.
    Unknown,
    /// It gets nothing new, and has nothing that is known or could be missed.
    Drained,
}
