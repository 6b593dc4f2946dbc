//! What every refusal says.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A problem document (RFC 9457): the body of every refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// `urn:figshift:problem:` and the reason.
    #[serde(rename = "type")]
    pub kind: String,
    /// Short, the same for each of its kind.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What to do.
    pub detail: String,
    /// A word of a closed set.
    pub reason: String,
}
