//! What no client and no backend gets more of, each with others who are served meanwhile.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::print_stdout,
    reason = "a test may panic, a mock may lose its peer, and figures are told"
)]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod crowd;
mod descriptors;
mod frames;
mod heads;
mod meeting;
mod multiplexed;
mod others;
mod queue;
mod rate;
mod slow;
