//! What nobody gets more of: clients, backends, and the clients of a route.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Duration, Size, StickyKey};

/// `[listen.limits]`: what a client may ask of figshift.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClientLimits {
    /// Client connections in all; default: half of the file descriptors that the system allows, at most 100000.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub connections: Option<u32>,
    /// Connections of one client address (of an IPv6 network of 64 bits), peers in `listen.trusted` excepted; default: no limit.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub connections_per_client: Option<u32>,
    /// Bytes of a request head, its first line included.
    pub head: Size,
    /// Header lines of a request.
    #[schemars(range(min = 10, max = 1000))]
    pub headers: u32,
    /// Bytes of a request target.
    pub uri: Size,
    /// Requests at a time on one HTTP/2 connection.
    #[schemars(range(min = 1, max = 10_000))]
    pub streams: u32,
    /// Requests that a client may give up in a second on one HTTP/2 connection.
    #[schemars(range(min = 10, max = 100_000))]
    pub resets: u32,
    /// A request head must be there this long after its first byte, the first one this long after the connection was made.
    pub head_time: Duration,
    /// Bytes that a client must send of a body in a second while the backend waits for it; 0: no matter how slow. gRPC is excepted.
    pub body_rate: Size,
    /// The time over which that is averaged.
    pub body_grace: Duration,
    /// A client that has taken nothing of an answer for this long is left.
    pub read_time: Duration,
}

/// `limit` of a backend: tries on their way to it, over all workers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackendLimit {
    /// So many tries at a time.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [8]))]
    pub in_flight: u32,
    /// So many requests may wait for their turn; who comes first is served first.
    #[serde(default = "BackendLimit::default_queue")]
    #[schemars(range(max = 1_000_000))]
    pub queue: u32,
    /// This long.
    #[serde(default = "BackendLimit::default_queue_time")]
    pub queue_time: Duration,
    /// Send what would be refused to the other side of its route, if that may serve it.
    #[serde(default)]
    pub spill: bool,
}

/// `rate_limit` of a route.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateLimit {
    /// So many requests of each key.
    #[schemars(range(min = 1, max = 1_000_000), extend("examples" = [10]))]
    pub requests: u32,
    /// In this time.
    #[serde(default = "RateLimit::default_per")]
    pub per: Duration,
    /// Requests that a key may save up; default: `requests`.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub burst: Option<u32>,
    /// Who is told apart. A request without the key is told by its client's address.
    #[serde(default = "RateLimit::default_key")]
    pub key: StickyKey,
}
