//! Pauses that differ a little each time, so that many proxies do not ask in step.

use std::time::Duration;

use rand::RngExt as _;

/// Give or take a tenth.
pub(super) fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(0.9..1.1))
}

/// Up to a fifth more, where less would be too soon.
pub(super) fn jittered_up(pause: Duration) -> Duration {
    pause.mul_f64(rand::rng().random_range(1.0..1.2))
}
