//! The house as its clients and its backends see it: real sockets on both ends, mock origins that
//! misbehave on command. One module per behaviour.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod basics;
mod breaker;
mod broken;
mod busy;
mod cancel;
mod cohorts;
mod ending;
mod fallback;
mod headers;
mod idle;
mod kill;
mod misbehave;
mod refusals;
mod reload;
mod split;
mod stale;
mod streams;
mod tunnel;
mod upgrade;
