//! A program on its way from text to what is compiled.

use std::collections::BTreeSet;

use super::{check, lower, scan, syntax};
use crate::adapt::natives::Pattern;
use crate::adapt::refused::Refused;

/// A program that is accepted.
#[derive(Debug)]
pub(in crate::adapt) struct Accepted {
    /// What is compiled.
    pub(in crate::adapt) text: String,
    /// Its regular expressions, by number.
    pub(in crate::adapt) patterns: Vec<Pattern>,
    /// Names of the variables from outside that it uses, without `$`.
    pub(in crate::adapt) uses: BTreeSet<String>,
}

/// Reads and checks a program that may use the given variables from outside.
pub(in crate::adapt) fn accept(program: &str, variables: &[&str]) -> Result<Accepted, Refused> {
    scan::scan(program)?;
    let term = syntax::parse(program)?;
    let uses = check::check(program, variables, &term)?;
    let (text, patterns) = lower::lower(program, &term)?;
    Ok(Accepted {
        text,
        patterns,
        uses,
    })
}

#[cfg(test)]
#[path = "subset_tests.rs"]
mod tests;
