//! The house on every wire: each protocol of a client with each protocol of a backend, spoken by an
//! engine that is not under test on the outer ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::print_stdout,
    reason = "a test may panic, and a peer may lose its other end"
)]

#[path = "../support/mod.rs"]
mod support;

mod blame;
mod cut;
mod ending;
mod events;
mod far;
mod grpc;
mod heads;
mod matrix;
mod moods;
mod near;
mod refused;
mod sharing;
mod tls;
mod websocket;
