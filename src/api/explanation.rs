//! What became of one request.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether a request can have this id: 1 to 128 visible ASCII characters. Others are not taken over
/// from clients.
pub fn is_request_id(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `GET /api/v1/requests/{id}`: what became of a request, and why. Times are in milliseconds since it
/// came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// As asked.
    pub id: String,
    /// Older requests with the same id that are remembered; this is the newest.
    pub others: u64,
    /// When it came: RFC 3339, UTC, whole seconds.
    pub at: String,
    /// It is still on its way.
    pub running: bool,
    /// Of the state that it was decided by; not there if it was refused before that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// That state is not remembered any more, so the names are missing.
    pub names_lost: bool,
    /// Its route; not there if it found none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// The side that it was given to; not there if it found no route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
    /// In order; at most four.
    pub tries: Vec<Try>,
    /// How it ended for the client: `ok`, `client_error`, `capacity`, `server_error`, `connect`,
    /// `timeout`, `reset`, `broken` or `cancelled`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// The status that the client got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// The backend whose answer the client got.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub served_by: Option<String>,
    /// Why figshift answered by itself: the value of `x-figshift-reason`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// What went wrong with the last try's answer after its head: `first_event`, `gap`, `broken`,
    /// `error_event` or `empty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// To the head of the backend's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head_ms: Option<f64>,
    /// To the first byte of its body; of an event stream, to its first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_byte_ms: Option<f64>,
    /// To the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_ms: Option<f64>,
}

/// The side that a request was given to, before anybody was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Choice {
    /// `primary` or `candidate`.
    pub side: String,
    /// Its backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// What chose it.
    pub by: ChosenBy,
    /// The sticky key that the request had, as in the file: `header:x-user-id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sticky: Option<String>,
    /// Where its draw stood, 0 to 99.99: below `percent` it is the candidate's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub draw: Option<f64>,
    /// The share of the candidate that was in force, 0 to 100.
    pub percent: f64,
    /// Why that was in force, the strongest first, the file last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What chose a side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// The route has no other side.
    OnlySide,
    /// The header `x-figshift-side` of a trusted peer.
    SideHeader,
    /// The draw of a sticky key.
    Sticky,
    /// A draw for this request alone.
    Draw,
    /// It is for something that belongs to a side, or was looked for.
    Owner,
}

/// One try.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Try {
    /// `primary` or `candidate`.
    pub side: String,
    /// Its backend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// `http://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Why here.
    pub turn: Turn,
    /// Why not where it was before: `connect`, `reset`, `timeout`, `status`, `cut`, `capacity`, `stalled`,
    /// `error_event`, `empty`, `broken`, `unfit` or `refused`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Breakers and health checks were not asked, since nobody could serve.
    pub panic: bool,
    /// It probed whether an open breaker may close.
    pub probe: bool,
    /// Its first connection was an idle one that the backend had just closed, so it was sent again.
    pub stale: bool,
    /// When it began.
    pub began_ms: f64,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_ms: Option<f64>,
    /// The status of its answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How it ended, by the words of the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What stood against another try after it.
    pub refused: Vec<Refused>,
}

/// Why a try was made where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Turn {
    /// The first one, on the side that was chosen.
    Home,
    /// The first one, on the other side, since no endpoint of the chosen one could serve.
    Bypass,
    /// A further one, on another endpoint of the same side.
    Retry,
    /// A further one, on the other side.
    Fallback,
}

/// What stood against another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The backend may have begun, and a repetition could do harm.
    NotRepeatable,
    /// The body was longer than what is held for a second try.
    BodyTooLong,
    /// The retry budget was spent. It bounds tries on the same side, and those after a bad status or
    /// a timeout.
    OverBudget,
    /// There was no endpoint left, or the other side may not serve.
    NowhereElse,
}
