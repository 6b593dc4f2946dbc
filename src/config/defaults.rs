//! What holds where the file says nothing.

use super::model::{
    Breaker, Compare, ErrorMargins, Flag, Gate, Guard, Health, LatencyMargins, Limit, LimitMethod,
    Listen, Pool, Quantile, Ramp, Route, Schedule, Timeouts, WeightedEndpoint,
};
use super::scalar::{Day, Duration, Part, Percent, Points, Size, StatusSet, TimeOfDay, Zone};

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

impl WeightedEndpoint {
    pub(super) fn default_weight() -> u32 {
        1
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            head: Duration::from_secs(300),
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
