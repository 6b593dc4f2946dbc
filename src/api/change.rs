//! What moves traffic, and what came of it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `POST /api/v1/rollback`: the candidate gets nothing from now on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Of this route; of all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Also cuts what still runs on the candidate: streams break off, and requests that wait for it go
    /// to the primary where that can do no harm. Else it finishes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hard: bool,
    /// Why, for the journal and for whoever asks. At most 500 characters on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    pub reason: Option<String>,
    /// Only if this epoch is still in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_epoch: Option<u64>,
}

/// `POST /api/v1/resume`: the rollback is over, and so is the file KILL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// Of this route; of all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// Why, for the journal and for whoever asks. At most 500 characters on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    pub reason: Option<String>,
    /// Only if this epoch is still in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_epoch: Option<u64>,
}

/// `POST /api/v1/shift`: another share for the candidate, until the file names another one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shift {
    /// Of this route.
    pub route: String,
    /// 0 to 100, two decimals.
    #[schemars(range(min = 0, max = 100))]
    pub percent: f64,
    /// Although the guard holds traffic back, which ends, or the candidate's budget is used up, which then leaves
    /// this much.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub force: bool,
    /// Why, for the journal and for whoever asks. At most 500 characters on one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 500), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    pub reason: Option<String>,
    /// Only if this epoch is still in force.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub if_epoch: Option<u64>,
}

/// The change is in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// Of the state in force now.
    pub epoch: u64,
    /// What it did to the traffic; nothing, if that was so before.
    pub moves: Vec<Moved>,
    /// Whether a restart will know of it. False when the state folder cannot be written.
    pub persisted: bool,
}

/// How the candidate's share of a route moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Which route.
    pub route: String,
    /// 0 to 100, before.
    pub from: f64,
    /// 0 to 100, after.
    pub to: f64,
}
