//! The guard and the ramp among real sockets, with the settings of the file: what they take back, what they
//! leave alone, and how far a good candidate gets by itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::print_stdout,
    reason = "a test may panic, a mock may lose its peer, and delays are worth a line"
)]

#[path = "../support/mod.rs"]
mod support;

mod climbs;
mod stage;
mod trouble;
