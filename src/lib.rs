//! figshift: a traffic-splitting reverse proxy that moves an inference service to Vast.ai
//! without anyone noticing. `ARCHITECTURE.md` shows the house; each module below is a room.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::indexing_slicing,
        reason = "a test may panic"
    )
)]

pub mod adapt;
pub mod admin;
pub mod api;
pub mod app;
pub mod cli;
pub mod config;
pub mod control;
pub mod demo;
pub mod http1;
pub mod outbound;
pub mod owners;
pub mod policy;
pub mod proxy;
pub mod recall;
pub mod snapshot;
pub mod stats;
pub mod telemetry;
pub mod tls;
pub mod vast;
pub mod wire;
