//! `figshift check`.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::Exit;
use crate::config::{self, Config, Problems};
use crate::control::check_files;

/// Checks the files, and if asked what they name; problems go to standard error, one line each and a
/// summary.
pub(super) fn run(files: &[PathBuf], what_they_name: bool) -> Exit {
    let mut exit = Exit::Done;
    for file in files {
        let said = match check(file, what_they_name) {
            Ok((config, remarks)) => {
                let told = remarks.iter().map(|remark| format!("\n  note: {remark}"));
                let (summary, told) = (summary(&config), told.collect::<String>());
                writeln!(io::stdout(), "{}: in order{summary}{told}", file.display())
            }
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

/// The configuration, and what is odd about it.
fn check(file: &Path, what_it_names: bool) -> Result<(Config, Vec<String>), Problems> {
    let loaded = config::load(file)?;
    let remarks = match what_it_names {
        true => check_files(file, &loaded.config, &loaded.text)?,
        false => Vec::new(),
    };
    Ok((loaded.config, remarks))
}

/// What the file does, so that a wrong file that is in order is noticed too.
pub(super) fn summary(config: &Config) -> String {
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
