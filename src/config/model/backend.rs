//! `[backends.NAME]`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    BackendAuth, BackendLimit, BackendTls, Budget, Discover, Ready, Scheme, Serverless,
    ServerlessMode,
};
use crate::config::scalar::{Dollars, Duration, StatusSet};

/// `[backends.NAME]`: a logical service.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backend {
    /// Addresses, `"http://host:port"`, `"https://host:port"` or `{ url = "...", weight = 2 }`. May be empty: the side is then out.
    #[schemars(extend("examples" = [["http://127.0.0.1:8000"]]))]
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Where the addresses are learned from, in place of `endpoints`.
    pub discover: Option<Discover>,
    /// An endpoint of Vast.ai Serverless, in place of `endpoints`.
    pub serverless: Option<Serverless>,
    /// What a discovered endpoint must answer before it gets traffic.
    pub ready: Option<Ready>,
    /// What stands in `Authorization` towards the backend. Without it, what the client has written there.
    pub auth: Option<BackendAuth>,
    /// Whom `https://` endpoints have to be. Without it: whom the system's authorities have signed, for the endpoint's host.
    pub tls: Option<BackendTls>,
    /// What is spoken with this backend.
    #[serde(default)]
    pub protocol: Protocol,
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
    /// What becomes of a request whose client has left.
    #[serde(default)]
    pub on_disconnect: OnDisconnect,
    /// For so long an answer whose client has left is read at most, with `on_disconnect = "drain"`.
    #[serde(default = "Backend::default_drain_limit")]
    pub drain_limit: Duration,
    /// Active health checks; off unless given.
    pub health: Option<Health>,
    /// How much is on its way to it at a time; no limit unless given.
    pub limit: Option<BackendLimit>,
    /// What the whole backend costs in an hour. Takes the place of what its instances say of their prices.
    #[schemars(extend("examples" = [3.2]))]
    pub dollars_per_hour: Option<Dollars>,
    /// What it may cost before its share rises no more; no bound unless given.
    pub budget: Option<Budget>,
}

/// One address of a backend.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Endpoint {
    /// `"http://host:port"` or `"https://host:port"`.
    Url(String),
    /// With a weight.
    Weighted(WeightedEndpoint),
}

/// An address with a weight.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightedEndpoint {
    /// `http://host:port` or `https://host:port`.
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

/// `on_disconnect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnDisconnect {
    /// It is given up at once: the backend sees its connection close and can stop working.
    #[default]
    Cancel,
    /// The answer is read to its end and thrown away, for backends that do not bear being left.
    Drain,
}

/// `protocol`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// With `https`, what the backend chooses (HTTP/2 if it can); with `http`, HTTP/1.1, but for gRPC requests HTTP/2.
    #[default]
    Auto,
    /// HTTP/1.1.
    H1,
    /// HTTP/2; with `http`, by prior knowledge (h2c).
    H2,
}

/// `timeouts`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// From the first packet to an established connection.
    pub connect: Duration,
    /// From the sent request head to the response head.
    pub head: Duration,
    /// From the response head of an event stream to its first event. Comments and pings are none.
    pub first_event: Duration,
    /// Longest silence between two events of an event stream. Comments and pings do not break it.
    pub gap: Duration,
    /// Longest silence within any other body, by its bytes; default: none.
    pub body_gap: Option<Duration>,
    /// A tunnel (WebSocket, or another upgrade) without a byte in either direction ends after this time; `"0s"`: never.
    pub tunnel_idle: Duration,
}

/// `pool`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pool {
    /// An idle connection older than this is closed. Keep it below the backend's own keep-alive time.
    pub idle: Duration,
    /// Idle connections kept per endpoint and worker. After a rush more stay for a second.
    #[schemars(range(max = 100_000))]
    pub max_idle: usize,
    /// An HTTP/2 connection with running requests that has been silent for this long is asked for a sign of life, and closed without one. Off unless given: some gRPC servers end connections that ask too often.
    pub ping: Option<Duration>,
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

impl Backend {
    /// Whether some of its endpoints speak TLS.
    pub fn speaks_tls(&self) -> bool {
        let found = self.discover.as_ref().map(Discover::scheme);
        let rented = self.serverless.as_ref().is_some_and(Serverless::speaks_tls);
        found == Some(Scheme::Https) || rented || self.endpoints.iter().any(Endpoint::is_https)
    }
}

impl Serverless {
    /// Whether workers, or the front, may speak TLS.
    pub fn speaks_tls(&self) -> bool {
        self.mode == ServerlessMode::Worker || self.front.to_ascii_lowercase().starts_with("https:")
    }
}

impl Endpoint {
    /// The address as written.
    pub fn url(&self) -> &str {
        match self {
            Self::Url(url) => url,
            Self::Weighted(weighted) => &weighted.url,
        }
    }

    /// Whether it speaks TLS.
    pub fn is_https(&self) -> bool {
        let scheme = self.url().split_once("://").map(|(scheme, _)| scheme);
        scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
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
