//! What holds where the file says nothing.

use super::model::{Breaker, Health, Listen, Pool, Route, Timeouts, WeightedEndpoint};
use super::scalar::{Duration, Size, StatusSet};

impl Listen {
    pub(super) fn default_idle() -> Duration {
        Duration::from_secs(75)
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
        }
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(60),
            max_idle: 256,
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
}
