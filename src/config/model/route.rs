//! `[[routes]]`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Flag, Guard, Ramp, RateLimit};
use crate::config::scalar::{Duration, Percent, Size, StatusSet, StickyKey};

/// `[[routes]]`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Unique name, used in metrics, logs and commands.
    #[schemars(extend("examples" = ["all"]))]
    pub name: String,
    /// Which requests; an empty table takes all.
    #[serde(default, rename = "match")]
    pub matches: Match,
    /// Backend that serves the rest, and what falls back.
    #[schemars(extend("examples" = ["legacy"]))]
    pub primary: String,
    /// Backend that gets `percent` of the requests.
    pub candidate: Option<String>,
    /// Share of the candidate, 0 to 100, two decimals. At 0 the candidate gets no user request, unless a trusted peer asks for it by name.
    #[serde(default)]
    pub percent: Percent,
    /// Keys that keep a user on a side, the first that a request has is used.
    #[serde(default)]
    pub sticky: Vec<StickyKey>,
    /// Routes with the same salt move the same users together; default: the route's name.
    pub salt: Option<String>,
    /// Statuses after which a request that is safe to repeat is tried elsewhere.
    #[serde(default)]
    pub fallback_on: StatusSet,
    /// Bytes of a request body held for a second try; a longer body is streamed once.
    #[serde(default = "Route::default_replay")]
    pub replay_bytes: Size,
    /// Bytes that a request body may have; default: no limit.
    pub max_body: Option<Size>,
    /// How often a client may ask; no limit unless given.
    pub rate_limit: Option<RateLimit>,
    /// Declares that every method on this route may be repeated without harm.
    #[serde(default)]
    pub idempotent: bool,
    /// An event stream goes to the client from its first event on: until then it can still fall back.
    #[serde(default = "Route::default_hold")]
    pub hold: bool,
    /// While an event stream has no first event, send the client a comment this often; default: none.
    pub keep_alive: Option<Duration>,
    /// Carry WebSocket and other HTTP/1.1 upgrades; `false` refuses them with a 501.
    #[serde(default = "Route::default_upgrade")]
    pub upgrade: bool,
    /// Obey `x-figshift-side: candidate|primary` from trusted peers.
    #[serde(default)]
    pub side_header: bool,
    /// Name the serving backend in the response header `x-figshift-backend`.
    #[serde(default)]
    pub backend_header: bool,
    /// What stands between its clients and a side with another API.
    #[serde(default)]
    pub adapters: SideAdapters,
    /// How the candidate is watched, and when its traffic is taken back.
    #[serde(default)]
    pub guard: Guard,
    /// Raises the percent by itself, step by step.
    pub ramp: Option<Ramp>,
    /// Reads the percent from a feature flag.
    pub flag: Option<Flag>,
}

/// `adapters`: names of `[adapters.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SideAdapters {
    /// Before the primary.
    #[schemars(extend("examples" = ["jobs"]))]
    pub primary: Option<String>,
    /// Before the candidate.
    #[schemars(extend("examples" = ["jobs"]))]
    pub candidate: Option<String>,
}

/// `match`. All given conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// `api.example.com`, or `*.example.com` for every name below it.
    pub host: Option<String>,
    /// `/exact`, `/prefix/*` (and below, and `/prefix` itself), `/users/*/files` (one segment).
    pub path: Option<String>,
    /// HTTP methods, upper case.
    pub methods: Vec<String>,
    /// Header name to exact value; `*` means that it is present.
    pub headers: BTreeMap<String, String>,
}
