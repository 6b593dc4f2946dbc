//! `figshift check`.

use std::io::{self, Write as _};
use std::path::PathBuf;

use super::Exit;
use crate::config::{self, Config};

/// Checks the files; problems go to standard error, one line each and a summary.
pub(super) fn run(files: &[PathBuf]) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        let said = match config::load(file) {
            Ok(loaded) => writeln!(
                io::stdout(),
                "{}: in order{}",
                file.display(),
                summary(&loaded.config)
            ),
            Err(problems) => {
                exit = Exit::BadInput;
                writeln!(io::stderr(), "{problems}")
            }
        };
        if said.is_err() {
            return Exit::Unreachable;
        }
    }
    exit
}

/// What the file does, so that a wrong file that is in order is noticed too.
fn summary(config: &Config) -> String {
    let mut lines = String::new();
    for route in &config.routes {
        let line = match &route.candidate {
            Some(candidate) => format!(
                "\n  {}: {} % to {candidate}, the rest to {}",
                route.name, route.percent, route.primary
            ),
            None => format!("\n  {}: all to {}", route.name, route.primary),
        };
        lines.push_str(&line);
    }
    lines
}
