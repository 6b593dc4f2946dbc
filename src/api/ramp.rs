//! Ramps: what one is told and where it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST /api/v1/ramp`: an operator's word on the ramp of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ramp {
    /// Of this route.
    pub route: String,
    /// The word.
    pub order: RampOrder,
    /// Why, for the journal and for whoever asks. At most 500 characters on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    pub reason: Option<String>,
    /// Only if this epoch is still in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_epoch: Option<u64>,
}

/// What an operator can tell a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RampOrder {
    /// Begin, from the share in force; after a rollback from nothing.
    Start,
    /// Stay at this share. The guard can still take the traffic back.
    Pause,
    /// Go on; after a rollback or an abort begin again from nothing.
    Resume,
    /// Go to the next step at once, without evidence; after the last step to 100 %.
    Promote,
    /// Take the traffic back and end.
    Abort,
}

/// The ramp of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RampState {
    /// Where it is.
    pub state: RampWord,
    /// Who paused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_by: Option<PausedBy>,
    /// The candidate's share by the ramp, 0 to 100. A kill switch or a hold may leave less.
    pub percent: f64,
    /// The share of the next step; absent at the top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_percent: Option<f64>,
    /// 0, or the number of the automatic retry.
    pub attempt: u8,
    /// How long the present step has lasted, as far as it counts.
    pub age_seconds: u64,
    /// A step lasts at least this long.
    pub min_step_seconds: u64,
    /// A step without a result after this time is stalled.
    pub max_step_seconds: u64,
    /// What the next step waits for, to follow "waits for"; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// When it begins again by itself: RFC 3339, UTC, whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<String>,
    /// Who made its last move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When: RFC 3339, UTC, whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Where a ramp is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RampWord {
    /// In the file and not started: the share is what somebody set.
    Idle,
    /// Going up, step by step.
    Climbing,
    /// The next step waits for the gate's answer.
    AtGate,
    /// Stays at its share until resumed.
    Paused,
    /// At its last step, which has passed.
    Finished,
    /// The traffic was taken back.
    RolledBack,
    /// An operator ended it and took the traffic back.
    Aborted,
}

/// Who paused a ramp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PausedBy {
    /// An operator.
    Operator,
    /// The gate, by saying no.
    Gate,
}
