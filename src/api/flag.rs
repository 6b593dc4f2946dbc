//! The feature flag of a route.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is known of the feature flag that keeps a route's percent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FlagState {
    /// Its key.
    pub key: String,
    /// What it asks for, 0 to 100 and at most `max`: its last good value, kept over restarts. `null` before the first one.
    pub percent: Option<f64>,
    /// Its last good value since the start, before `max`.
    pub says: Option<f64>,
    /// When that came: RFC 3339, UTC, whole seconds.
    pub last_success: Option<String>,
    /// Seconds since then; without one, since it was first asked.
    pub age_seconds: f64,
    /// Whether that is longer than `stale_after`. The last value holds all the same.
    pub stale: bool,
    /// Why the last question had no good answer.
    pub error: Option<String>,
}
