//! Parses the command line and maps the result to an exit code.

use std::process::ExitCode;

use clap::Parser as _;
use figshift::cli::{Args, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    run(Args::parse()).into()
}
