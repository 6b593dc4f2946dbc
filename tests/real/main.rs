//! The finished binary among real parts: nginx as origin, wrk as load, Prometheus as scraper. They
//! are not on every machine, so each test is ignored unless asked for; `tests/run` installs the
//! parts and asks. `FIGSHIFT_BIN` names the binary; without it, it is the one that cargo has built.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may panic, and its figures are to be read"
)]

mod house;
mod load;
mod origin;
mod process;
mod scrape;
mod strict;
mod wait;

mod api;
mod cli;
mod clients;
mod demo;
mod kill;
mod manager;
mod prometheus;
mod reload;
mod restart;
mod share;
mod smuggling;
#[path = "../smuggling/table.rs"]
#[allow(dead_code, reason = "shared with tests/smuggling")]
mod table;
mod takeover;
mod tls;
