//! `[[ownership]]`: jobs and other things that stay on the side where they were made.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::Duration;

/// `[[ownership]]`: what is made by one request and found again by others. All in the words of the clients' API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Unique name, used in metrics and commands.
    #[schemars(extend("examples" = ["jobs"]))]
    pub name: String,
    /// The requests that make one: a method and a path with `{name}` for a segment.
    #[schemars(extend("examples" = [["POST /api/jobs"]]))]
    pub create: Vec<String>,
    /// Where its id is in the response to that, the first that is there: `.job_id` or `/job_id` in JSON or in the first events of a stream, `header:location` (its last segment), or another header.
    #[serde(default = "Ownership::default_id")]
    pub id: Vec<String>,
    /// Where later requests say which one they mean: a path with `{id}`, with any method if none is named; `query:NAME`, `header:NAME`, `cookie:NAME`, all three behind a path if they count there only; or behind a path `body:.job_id`.
    #[serde(rename = "use")]
    #[schemars(extend("examples" = [["/api/jobs/{id}", "/api/jobs/{id}/{rest...}"]]))]
    pub uses: Vec<String>,
    /// Further ids in responses to later requests, which belong to the same owner.
    #[serde(default)]
    pub also: Vec<String>,
    /// For so long after its last use an owner is remembered; "1m" to "365d".
    #[serde(default = "Ownership::default_ttl")]
    pub ttl: Duration,
    /// What is done with an id that nobody has seen.
    #[serde(default)]
    pub unknown: WhenUnknown,
    /// Where it is asked for by GET before a request that changes something, if nobody has seen its id; default: the first path of `use` that ends in `{id}`.
    #[schemars(extend("examples" = ["/api/jobs/{id}"]))]
    pub probe: Option<String>,
    /// jq: from a response to a later request, whether its work is over. A DELETE that succeeds says so, too.
    #[schemars(extend("examples" = [".state == \"DONE\" or .state == \"FAILED\""]))]
    pub done: Option<String>,
    /// Who answers a GET for all of them.
    #[serde(default)]
    pub list: ListBy,
    /// The path of that; default: the first of `create`.
    #[schemars(extend("examples" = ["/api/jobs"]))]
    pub list_path: Option<String>,
    /// Where the list is in that answer; default: the answer, or the one list in it.
    #[schemars(extend("examples" = [".jobs"]))]
    pub list_items: Option<String>,
    /// How the owner of an id is known.
    #[serde(default)]
    pub id_mode: IdMode,
    /// With `id_mode = "prefix"`: what stands before the ids of a backend. The ids of others stay as they are.
    #[serde(default)]
    #[schemars(extend("examples" = [{"vastai": "v1~"}]))]
    pub prefixes: BTreeMap<String, String>,
}

/// `unknown`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnknown {
    /// The primary is asked, and on 404 or 410 the candidate; who has it is remembered.
    #[default]
    Probe,
    /// It belongs to the primary.
    Primary,
    /// The split decides, by the id.
    Hash,
}

/// `list`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListBy {
    /// The primary.
    #[default]
    Primary,
    /// Both: the candidate's list follows that of the primary, the first page of each.
    Merge,
}

/// `id_mode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IdMode {
    /// It is remembered, in the state folder.
    #[default]
    Learned,
    /// It stands in the id, which clients get with a prefix: for replicas that share no state.
    Prefix,
}
