//! `[adapters.NAME]`: one API in front of two that differ.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Credential, Duration, Size};

/// What programs for a response may use beside their input: the parts of the path, the query, the client's body, the
/// status of the response, what the request is called, and when it came (seconds of Unix time).
pub const VARIABLES: [&str; 6] = ["path", "query", "request", "status", "request_id", "time"];
/// Of these, what programs for a request may use: the client's body is their input, and there is no response yet.
pub const REQUEST_VARIABLES: [&str; 4] = ["path", "query", "request_id", "time"];

/// `[adapters.NAME]`: what clients ask, as a backend with another API has to be asked.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Adapter {
    /// Where a request goes that cannot be adapted, before anything of it was sent.
    #[serde(default)]
    pub on_error: WhenUnfit,
    /// What becomes of a request for which there is no operation.
    #[serde(default)]
    pub unmatched: WhenUnmatched,
    /// Bytes of a request or response that is held whole for a program; "1KiB" to "16MiB".
    #[serde(default = "Adapter::default_max_body")]
    pub max_body: Size,
    /// For so long a program may run; "1ms" to "1s".
    #[serde(default = "Adapter::default_deadline")]
    pub deadline: Duration,
    /// By name, one at least. Of two that take the same request, the one with more fixed segments does.
    #[serde(default)]
    pub operations: BTreeMap<String, Operation>,
}

/// `on_error`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnfit {
    /// To the other side of the route; without one, it fails.
    #[default]
    Other,
    /// It fails with a 502.
    Fail,
}

/// `unmatched`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WhenUnmatched {
    /// It goes to the other side of the route; without one, it is a 404.
    #[default]
    Other,
    /// It goes to the backend as it is.
    Pass,
}

/// `[adapters.NAME.operations.NAME]`: one request of the clients' API.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operation {
    /// What clients send: a method and a path with `{name}` for a segment, or `{name...}` at the end for all that is left.
    #[schemars(extend("examples" = ["POST /api/jobs/{id}/cancel"]))]
    pub client: String,
    /// What the backend gets; default: the same. Names of `client` stand for what they took.
    #[schemars(extend("examples" = ["DELETE /v1/jobs/{id}"]))]
    pub backend: Option<String>,
    /// jq: from the body of the client to that of the backend; default: it passes as it is.
    pub request: Option<String>,
    /// jq: from the body of a 2xx response to that of the client; default: it passes as it is.
    pub response: Option<String>,
    /// jq: the same for statuses from 400 on. What is no JSON is `null` there.
    pub error: Option<String>,
    /// `response` runs on each event of an event stream.
    pub stream: Option<StreamOf>,
    /// The `[DONE]` of an event stream.
    #[serde(default)]
    pub done: DoneMark,
    /// Statuses of the backend, and what clients get instead.
    #[serde(default)]
    #[schemars(extend(
        "examples" = [{"201": 200}],
        "propertyNames" = {"pattern": "^[2-5][0-9][0-9]$"},
        "additionalProperties" = {"type": "integer", "minimum": 200, "maximum": 599},
    ))]
    pub status: BTreeMap<String, u16>,
    /// The query of the request.
    #[serde(default)]
    pub query: QueryRules,
    /// The header lines of the request.
    #[serde(default)]
    pub headers: HeaderRules,
    /// The header lines of the response.
    #[serde(default)]
    pub response_headers: HeaderRules,
}

/// `stream`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum StreamOf {
    /// The data of each event, for itself.
    Event,
}

/// `done`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DoneMark {
    /// As the backend has it.
    #[default]
    Pass,
    /// Clients do not get it.
    Drop,
    /// Clients get it at the end, also if the backend has none.
    Add,
}

/// `query`. What is not named passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QueryRules {
    /// Another name for a parameter.
    #[schemars(extend("examples" = [{"n": "limit"}]))]
    pub rename: BTreeMap<String, String>,
    /// Parameters that the backend does not get; `["*"]`: none.
    pub remove: Vec<String>,
    /// Parameters that it gets, in place of those of the client.
    pub set: BTreeMap<String, Credential>,
}

/// `headers` and `response_headers`: copied, then removed, then set. What is not named passes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct HeaderRules {
    /// From one name to another.
    #[schemars(extend("examples" = [{"x-user": "x-tenant"}]))]
    pub copy: BTreeMap<String, String>,
    /// Lines that are left out.
    pub remove: Vec<String>,
    /// Lines in place of those that came.
    pub set: BTreeMap<String, Credential>,
}
