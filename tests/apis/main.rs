//! One API in front of two that differ, and things that stay where they were made: real sockets on both ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod crud;
mod doubts;
mod faults;
mod jobs;
mod odd;
mod owners;
mod streams;
mod unknown;
