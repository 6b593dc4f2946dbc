//! What has happened.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Moved;

/// `GET /api/v1/journal`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Journal {
    /// Oldest first.
    pub entries: Vec<JournalEntry>,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JournalEntry {
    /// Counts the entries.
    pub seq: u64,
    /// Of the state that it led to; begins again at each start.
    pub epoch: u64,
    /// When: RFC 3339, UTC, whole seconds.
    pub at: String,
    /// Who.
    pub actor: String,
    /// What, in one word: `file`, `shift`, `flag`; `rollback`, `resume`, `kill`, `unkill`; `guard_hold` (traffic
    /// was taken back), `guard_warning`, `guard_detected` (in a dry run), `guard_stranded` (the candidate is
    /// worse, and the primary is out), `ratio_alarm`; `ramp_start`, `ramp_step`, `ramp_gate`, `ramp_stalled`,
    /// `ramp_pause`, `ramp_resume`, `ramp_promote`, `ramp_retry`, `ramp_finished`, `ramp_abort`; `start`.
    pub what: String,
    /// Which route it named, if one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// A rollback that cut what was running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hard: bool,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What it did to the traffic.
    pub moves: Vec<Moved>,
}
