//! What no client and no backend gets more of, each with others who are served meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod crowd;
mod descriptors;
mod frames;
mod heads;
mod multiplexed;
mod others;
mod queue;
mod rate;
mod slow;
