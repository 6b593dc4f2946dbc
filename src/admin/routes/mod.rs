//! One file per path.

pub(super) mod config;
pub(super) mod drain;
pub(super) mod events;
pub(super) mod health;
pub(super) mod journal;
pub(super) mod livez;
pub(super) mod metrics;
pub(super) mod openapi;
pub(super) mod owner;
pub(super) mod owners;
pub(super) mod ramp;
pub(super) mod readyz;
pub(super) mod request;
pub(super) mod resume;
pub(super) mod rollback;
pub(super) mod route;
pub(super) mod shift;
pub(super) mod state;
pub(super) mod webhook;
