//! The file as written: serde types with their defaults, one struct per table.
//! The JSON Schema for editors is derived from these same types. Values are already parsed
//! (durations, sizes, percents) but not yet checked against each other: that is `validate`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalar::{Duration, Net, Percent, Secret, Size, StatusSet, StickyKey};

/// The whole file.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Folder for what must survive a restart (the journal, the last good file). Needs a restart to change.
    #[serde(default = "default_state_dir")]
    pub state_dir: PathBuf,
    /// Addresses to listen on. Needs a restart to change, `trusted` excepted.
    pub listen: Listen,
    /// Who may use the admin port.
    #[serde(default)]
    pub admin: Admin,
    /// Log output.
    #[serde(default)]
    pub log: Log,
    /// Logical services by name.
    pub backends: BTreeMap<String, Backend>,
    /// Routes in order; the first match wins.
    #[serde(default)]
    pub routes: Vec<Route>,
}

/// `[listen]`.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// Address of the proxy, `ip:port`.
    #[schemars(extend("examples" = ["0.0.0.0:8080"]))]
    pub http: String,
    /// Address of the admin port (metrics, health, commands), `ip:port`. Beyond this machine it needs `admin.token`.
    #[serde(default = "default_admin")]
    pub admin: String,
    /// Worker threads; default: one per core.
    #[schemars(range(min = 1, max = 1024))]
    pub workers: Option<usize>,
    /// Peers whose `X-Forwarded-*`, `Forwarded` and `x-figshift-side` headers are believed (CIDR or address).
    #[serde(default)]
    pub trusted: Vec<Net>,
    /// A keep-alive connection without a request for this long is closed.
    #[serde(default = "Listen::default_idle")]
    pub idle: Duration,
    /// After SIGTERM, how long running requests may take to finish.
    #[serde(default = "Listen::default_drain")]
    pub drain: Duration,
}

/// `[admin]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// What `/api/v1` asks for (`Authorization: Bearer`). Empty closes `/api/v1`; without the key everybody who reaches the port may use it.
    pub token: Option<Secret>,
    /// Names that the admin port is called by, beside `localhost` and IP addresses. A request with another `Host` is refused.
    pub hosts: Vec<String>,
    /// Path of a Unix socket beside `listen.admin`. Only the user that figshift runs as may open it, and needs no token there. Needs a restart to change.
    #[schemars(extend("examples" = ["/run/figshift/admin.sock"]))]
    pub socket: Option<PathBuf>,
}

/// `[log]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`, `trace`, or a filter such as `info,figshift::proxy=debug`. `RUST_LOG` wins.
    pub level: Option<String>,
    /// Human text on a terminal and JSON otherwise, unless set.
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// Human text.
    Text,
    /// One JSON object a line.
    Json,
}

/// `[backends.NAME]`: a logical service.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Addresses, `"http://host:port"` or `{ url = "...", weight = 2 }`. May be empty: the side is then out.
    #[schemars(extend("examples" = [["http://127.0.0.1:8000"]]))]
    pub endpoints: Vec<Endpoint>,
    /// `Host` header towards this backend.
    #[serde(default)]
    pub host: HostPolicy,
    /// Clocks of an attempt.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// Idle connections kept.
    #[serde(default)]
    pub pool: Pool,
    /// Passive breaker of each endpoint.
    #[serde(default)]
    pub breaker: Breaker,
    /// Active health checks; off unless given.
    pub health: Option<Health>,
}

/// One address of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Endpoint {
    /// `"http://host:port"`.
    Url(String),
    /// With a weight.
    Weighted(WeightedEndpoint),
}

/// An address with a weight.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedEndpoint {
    /// `http://host:port`.
    #[schemars(extend("examples" = ["http://127.0.0.1:8000"]))]
    pub url: String,
    /// Relative share among the endpoints of this backend, 1 to 1000.
    #[serde(default = "WeightedEndpoint::default_weight")]
    #[schemars(range(min = 1, max = 1000))]
    pub weight: u32,
}

/// `host`: `"preserve"` (the client's), `"endpoint"` (the endpoint's own), or a fixed name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(from = "String")]
pub enum HostPolicy {
    /// The client's `Host` passes unchanged.
    #[default]
    Preserve,
    /// The authority of the endpoint's URL.
    Endpoint,
    /// This fixed value.
    Fixed(String),
}

/// `timeouts`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From the first packet to an established connection.
    pub connect: Duration,
    /// From the sent request head to the response head.
    pub head: Duration,
}

/// `pool`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// An idle connection older than this is closed. Keep it below the backend's own keep-alive time.
    pub idle: Duration,
    /// Idle connections kept per endpoint and worker.
    #[schemars(range(max = 100_000))]
    pub max_idle: usize,
}

/// `breaker`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// Statuses that count as a hard failure, beside connect errors, resets and timeouts. With `Retry-After` they do not count.
    pub statuses: StatusSet,
    /// After recovery, traffic rises from 10 % to all over this time.
    pub slow_start: Duration,
}

/// `health`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Path to GET.
    #[schemars(extend("examples" = ["/health"]))]
    pub path: String,
    /// Time between checks; each is jittered by 10 %.
    #[serde(default = "Health::default_interval")]
    pub interval: Duration,
    /// A check that takes longer has failed.
    #[serde(default = "Health::default_timeout")]
    pub timeout: Duration,
    /// Good checks in a row that bring an endpoint back.
    #[serde(default = "Health::default_healthy")]
    #[schemars(range(min = 1, max = 100))]
    pub healthy: u32,
    /// Failed checks in a row that take an endpoint out.
    #[serde(default = "Health::default_unhealthy")]
    #[schemars(range(min = 1, max = 100))]
    pub unhealthy: u32,
    /// Statuses that are good.
    #[serde(default = "Health::default_expect")]
    pub expect: StatusSet,
    /// Leave a check out while real requests to the endpoint have succeeded since the last one.
    #[serde(default)]
    pub skip_when_proven: bool,
}

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
    /// Declares that every method on this route may be repeated without harm.
    #[serde(default)]
    pub idempotent: bool,
    /// Obey `x-figshift-side: candidate|primary` from trusted peers.
    #[serde(default)]
    pub side_header: bool,
    /// Name the serving backend in the response header `x-figshift-backend`.
    #[serde(default)]
    pub backend_header: bool,
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

/// The state folder of a file that names none, in the working directory.
pub fn default_state_dir() -> PathBuf {
    PathBuf::from("figshift-state")
}

fn default_admin() -> String {
    "127.0.0.1:9901".to_owned()
}

impl Endpoint {
    /// The address as written.
    pub fn url(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Weighted(weighted) => &weighted.url,
        }
    }

    /// The relative share.
    pub fn weight(&self) -> u32 {
        match self {
            Self::Url(_) => WeightedEndpoint::default_weight(),
            Self::Weighted(weighted) => weighted.weight,
        }
    }
}

impl From<String> for HostPolicy {
    fn from(text: String) -> Self {
        match text.as_str() {
            "preserve" => Self::Preserve,
            "endpoint" => Self::Endpoint,
            _ => Self::Fixed(text),
        }
    }
}
