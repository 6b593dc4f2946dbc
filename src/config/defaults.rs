//! What holds where the file says nothing.

use super::model::{
    Adapter, Backend, BackendLimit, Breaker, ClientLimits, Compare, CostField, DnsDiscovery,
    ErrorMargins, Flag, Gate, Guard, Health, HttpDiscovery, LatencyMargins, Limit, LimitMethod,
    Listen, Ownership, Pool, Quantile, Ramp, RateLimit, Ready, Route, Schedule, Serverless,
    ServerlessCost, Timeouts, VastDiscovery, WeightedEndpoint,
};
use super::scalar::{
    Day, Duration, Part, Percent, Points, Size, StatusSet, StickyKey, TimeOfDay, Zone,
};

impl Listen {
    pub(super) fn default_idle() -> Duration {
        Duration::from_secs(75)
    }
    pub(super) fn default_handshake() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) fn default_drain_delay() -> Duration {
        Duration::from_secs(0)
    }
    pub(super) fn default_drain() -> Duration {
        Duration::from_secs(30)
    }
}

impl Default for ClientLimits {
    fn default() -> Self {
        Self {
            connections: None,
            connections_per_client: None,
            head: Size::kib(64),
            headers: 100,
            uri: Size::kib(16),
            streams: 200,
            resets: 500,
            head_time: Duration::from_secs(10),
            body_rate: Size::from_bytes(240),
            body_grace: Duration::from_secs(15),
            read_time: Duration::from_secs(5 * 60),
        }
    }
}

impl BackendLimit {
    pub(super) fn default_queue() -> u32 {
        100
    }
    pub(super) fn default_queue_time() -> Duration {
        Duration::from_secs(10)
    }
}

impl RateLimit {
    pub(super) fn default_per() -> Duration {
        Duration::from_secs(1)
    }
    pub(super) fn default_key() -> StickyKey {
        StickyKey::ClientIp
    }
}

impl Adapter {
    pub(super) fn default_max_body() -> Size {
        Size::kib(1024)
    }
    pub(super) fn default_deadline() -> Duration {
        Duration::from_millis(50)
    }
}

impl Ownership {
    pub(super) fn default_id() -> Vec<String> {
        vec![".id".to_owned()]
    }
    pub(super) fn default_ttl() -> Duration {
        Duration::from_secs(7 * 86_400)
    }
}

impl WeightedEndpoint {
    pub(super) fn default_weight() -> u32 {
        1
    }
}

impl Backend {
    pub(super) fn default_drain_limit() -> Duration {
        Duration::from_secs(5 * 60)
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            head: Duration::from_secs(300),
            first_event: Duration::from_secs(120),
            gap: Duration::from_secs(60),
            body_gap: None,
            tunnel_idle: Duration::from_secs(3600),
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60),
            max_idle: 256,
            ping: None,
        }
    }
}

impl Default for Breaker {
    fn default() -> Self {
        Self {
            statuses: StatusSet::of(&[502, 503, 504]),
            slow_start: Duration::from_secs(10),
        }
    }
}

impl Health {
    pub(super) fn default_interval() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) fn default_timeout() -> Duration {
        Duration::from_secs(2)
    }
    pub(super) fn default_healthy() -> u32 {
        2
    }
    pub(super) fn default_unhealthy() -> u32 {
        3
    }
    pub(super) fn default_expect() -> StatusSet {
        StatusSet::range(200, 299)
    }
}

impl Route {
    pub(super) fn default_replay() -> Size {
        Size::kib(64)
    }
    pub(super) fn default_hold() -> bool {
        true
    }
    pub(super) fn default_upgrade() -> bool {
        true
    }
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            enabled: true,
            dry_run: false,
            compare: Compare::Primary,
            false_rollback: Part::from_millionths(10_000),
            false_promotion: Part::from_millionths(50_000),
            horizon: Duration::from_secs(24 * 3600),
            errors: ErrorMargins::default(),
            latency: LatencyMargins::default(),
            min_bad: 5,
            min_requests: 100,
            ride_out: Duration::from_secs(16),
            session: Duration::from_secs(30 * 60),
            bake: Duration::from_secs(10 * 60),
            limit: Limit::default(),
        }
    }
}

impl Default for ErrorMargins {
    fn default() -> Self {
        Self {
            worse_by: Points::from_millionths(1_000),
            at_most: Points::from_millionths(5_000),
        }
    }
}

impl Default for LatencyMargins {
    fn default() -> Self {
        Self {
            worse_by: Part::from_millionths(50_000),
            at_most: Part::from_millionths(100_000),
            quantiles: vec![Quantile::P50, Quantile::P95, Quantile::P99],
            promote_on: vec![Quantile::P95],
        }
    }
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            errors: Part::from_millionths(50_000),
            window: Duration::from_secs(60),
            min_requests: 100,
            in_a_row: 3,
            method: LimitMethod::Window,
        }
    }
}

impl Ramp {
    pub(super) fn default_hold_back() -> Percent {
        Percent::from_hundredths(500)
    }
    pub(super) fn default_min_step() -> Duration {
        Duration::from_secs(2 * 60)
    }
    pub(super) fn default_max_step() -> Duration {
        Duration::from_secs(3600)
    }
    pub(super) fn default_retry_after() -> Duration {
        Duration::from_secs(10 * 60)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            days: Day::WORKING.to_vec(),
            from: TimeOfDay::START,
            to: TimeOfDay::END,
            zone: Zone::UTC,
        }
    }
}

impl Gate {
    pub(super) fn default_timeout() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) fn default_every() -> Duration {
        Duration::from_secs(30)
    }
}

impl Flag {
    pub(super) fn default_every() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) fn default_timeout() -> Duration {
        Duration::from_secs(3)
    }
    pub(super) fn default_max() -> Percent {
        Percent::from_hundredths(Percent::WHOLE)
    }
    pub(super) fn default_stale_after() -> Duration {
        Duration::from_secs(5 * 60)
    }
}

impl VastDiscovery {
    /// Where Vast.ai's API is.
    pub(super) fn default_api() -> String {
        "https://console.vast.ai".to_owned()
    }
    /// Ten times what the API allows.
    pub(super) fn default_interval() -> Duration {
        Duration::from_secs(10)
    }
    pub(super) fn default_grace() -> Duration {
        Duration::from_secs(60)
    }
}

impl DnsDiscovery {
    pub(super) fn default_interval() -> Duration {
        Duration::from_secs(5)
    }
}

impl HttpDiscovery {
    pub(super) fn default_interval() -> Duration {
        Duration::from_secs(30)
    }
}

impl Default for Ready {
    /// Any page of any server that is not in trouble.
    fn default() -> Self {
        Self {
            path: "/".to_owned(),
            body: None,
            content_type: "application/json".to_owned(),
            expect: StatusSet::answered(),
            contains: None,
            timeout: Duration::from_secs(30),
            interval: Duration::from_secs(2),
        }
    }
}

impl Serverless {
    pub(super) fn default_wait() -> Duration {
        Duration::from_secs(20)
    }
    pub(super) fn default_queue() -> u32 {
        100
    }
    pub(super) fn default_max_body() -> Size {
        Size::kib(4 * 1024)
    }
    pub(super) fn default_api() -> String {
        VastDiscovery::default_api()
    }
    pub(super) fn default_engine() -> String {
        "https://run.vast.ai".to_owned()
    }
    pub(super) fn default_front() -> String {
        "https://openai.vast.ai".to_owned()
    }
}

impl CostField {
    /// What Vast.ai's own client says of a request of which it knows nothing.
    pub(super) fn default_cost() -> u32 {
        100
    }
}

impl Default for ServerlessCost {
    fn default() -> Self {
        Self::Fixed(CostField::default_cost())
    }
}
