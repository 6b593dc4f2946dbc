//! Vast.ai as figshift sees it: the client and the commands against a stand-in of its API that pages, filters,
//! limits and misbehaves as the real one does.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    reason = "a test may panic, and a mock may lose its peer"
)]

#[path = "../support/mod.rs"]
mod support;

mod check;
mod client;
mod connect;
mod discovery;
mod health;
mod long;
mod ls;
mod price;
mod serverless;
mod shell;
mod sources;
mod stage;
mod tls;
mod trouble;
