//! Which backend owns what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `GET /api/v1/owners/{rule}/{id}`: who owns an id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The rule.
    pub rule: String,
    /// The id as clients know it.
    pub id: String,
    /// The backend that has it.
    pub backend: String,
    /// The id that it has there, if it is another one.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    /// Whether its work is known to be over.
    pub done: bool,
    /// When this owner was learned: RFC 3339, UTC; `null` where the id itself says whose it is.
    pub learned: Option<String>,
}

/// `GET /api/v1/owners?backend=NAME`: what is live at a backend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveOwners {
    /// The backend.
    pub backend: String,
    /// How many live ids there are.
    pub live: usize,
    /// They, in no order; at most 10 000.
    pub owners: Vec<LiveOwner>,
    /// Whether there are more than are told.
    pub truncated: bool,
}

/// A live id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LiveOwner {
    /// The rule.
    pub rule: String,
    /// The id as clients know it; `null` if its text was lost, which the next use brings back.
    pub id: Option<String>,
    /// The id that it has at the backend, if it is another one.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    pub theirs: Option<String>,
    /// When this owner was learned: RFC 3339, UTC.
    pub learned: String,
    /// The request that made it, or `import`; absent if it was found by asking around, or if that was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// One of the list that `POST /api/v1/owners` takes, of at most 1000 in 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOwner {
    /// A rule of the file that remembers owners.
    pub rule: String,
    /// The id as clients know it.
    #[schemars(length(min = 1, max = 256))]
    pub id: String,
    /// A backend of the file.
    pub backend: String,
    /// The id that it has there, if it is another one, such as after its data was moved.
    #[serde(rename = "as", default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 256))]
    pub theirs: Option<String>,
    /// Seconds after its last use until it is forgotten, 1 to 31 536 000; default: the rule's `ttl`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub ttl_s: Option<u32>,
}

/// What became of a list of owners.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Imported {
    /// Ids that were not known.
    pub learned: usize,
    /// Ids that were known to be there.
    pub known: usize,
    /// Ids that were known to be elsewhere, and are no longer.
    pub moved: usize,
    /// Those that were not taken.
    pub refused: Vec<RefusedOwner>,
}

/// One that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RefusedOwner {
    /// Its place in the list, from 0.
    pub at: usize,
    /// Why.
    pub why: String,
}

/// `DELETE /api/v1/owners/{rule}/{id}`: nobody is known to own it any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Forgotten {
    /// The rule.
    pub rule: String,
    /// The id.
    pub id: String,
}
