//! What is wrong with a file: every problem at once, each with its place and its remedy.

use std::fmt;

/// One thing wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Key path, such as `routes[0].percent`; empty for the file as a whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// All that is wrong with one file, in the order of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    /// The file's name as it was given.
    pub file: String,
    /// The problems, by position.
    pub list: Vec<Problem>,
}

/// A file of noise has a problem in every byte; nobody reads past the first hundred.
const SHOWN: usize = 100;

impl Problems {
    /// Sorts the list by position and drops what was found twice.
    pub fn new(file: impl Into<String>, mut list: Vec<Problem>) -> Self {
        list.sort();
        list.dedup();
        Self {
            file: file.into(),
            list,
        }
    }

    /// One problem of the file as a whole, which has no place inside it.
    pub fn whole(file: impl Into<String>, message: String, hint: &str) -> Self {
        let problem = Problem {
            line: 1,
            column: 1,
            path: String::new(),
            message,
            hint: Some(hint.to_owned()),
        };
        Self::new(file, vec![problem])
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.list.iter().take(SHOWN) {
            write!(f, "{}:{}:{}: ", self.file, problem.line, problem.column)?;
            if !problem.path.is_empty() {
                write!(f, "{}: ", problem.path)?;
            }
            writeln!(f, "{}", problem.message)?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "    hint: {hint}")?;
            }
        }
        let count = self.list.len();
        let noun = if count == 1 { "problem" } else { "problems" };
        match count.saturating_sub(SHOWN) {
            0 => write!(f, "{count} {noun}"),
            _ => write!(f, "{count} {noun}, the first {SHOWN} shown"),
        }
    }
}

impl std::error::Error for Problems {}
