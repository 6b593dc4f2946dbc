//! One file per path.

pub(super) mod health;
pub(super) mod livez;
pub(super) mod metrics;
pub(super) mod readyz;
