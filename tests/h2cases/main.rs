//! HTTP/2 conformance of the side that clients see, case by case from RFC 9113 and RFC 7541, with
//! frames made by hand. It follows the sections that the well-known suite h2spec goes through,
//! which no package brings.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::print_stdout,
    reason = "a test may panic, a mock may lose its peer, and figures are to be read"
)]

#[path = "../support/mod.rs"]
mod support;

mod case;
mod compression;
mod connection;
mod flow;
mod frames;
mod messages;
mod streams;
