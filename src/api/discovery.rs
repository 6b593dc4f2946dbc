//! What is known of endpoints that are learned.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the look for a backend's endpoints stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiscoveryState {
    /// Where they are learned from: `vastai`, `dns`, `file`, `http`.
    pub source: String,
    /// When they were looked for last with success: RFC 3339, UTC, whole seconds; absent while there was no
    /// success since the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good_at: Option<String>,
    /// How long ago that was, in seconds; without it, for how long they have been looked for.
    pub age_seconds: f64,
    /// That is too long ago. What was found last holds all the same.
    pub stale: bool,
    /// Why the last look found out nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What was found last, also what gets no traffic.
    pub found: Vec<FoundState>,
}

/// Something that was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FoundState {
    /// What its source calls it: `vastai:41000101`, or its URL.
    pub key: String,
    /// Where it is, if it can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// `running`, `starting`, `unsure` (its source has not heard of it for a while), `preempted`, `out`.
    pub state: String,
    /// Whether it gets traffic as far as discovery goes: it is there, and has proven itself.
    pub ready: bool,
    /// Why not, in a few words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What it costs in an hour, in dollars.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dollars_per_hour: Option<f64>,
}

/// What became of a notification.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notified {
    /// Instances are looked at, as soon as the limits of the API let that.
    pub looks: bool,
}
