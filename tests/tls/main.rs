//! TLS on both sides, and what comes with it: real handshakes on real sockets, with certificates
//! that are made for the test.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod announced;
mod backend;
mod check;
mod far;
mod health;
mod listener;
mod near;
mod redirect;
mod reload;
mod stand;
mod upgrade;
