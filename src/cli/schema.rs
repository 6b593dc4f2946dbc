//! `figshift schema`.

use std::io::{self, Write as _};

use super::Exit;
use crate::config;

/// Prints the JSON Schema.
pub(super) fn run() -> Exit {
    match writeln!(io::stdout(), "{:#}", config::schema()) {
        Ok(()) => Exit::Done,
        Err(_) => Exit::Unreachable,
    }
}
