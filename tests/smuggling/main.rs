//! Requests and responses made to be read in two ways. A table of raw requests is sent through a
//! house to an origin that records every byte and reads it by its own strict rules; a table of raw
//! responses comes back the other way. Never may one message be taken for two, or two for one, and
//! never may the two ends differ on what a body was.
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

mod answers;
mod doors;
mod downgrade;
mod mutants;
mod recorder;
mod requests;
mod strict;
mod table;
