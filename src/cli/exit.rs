//! What the exit codes mean, for all commands.

use std::process::ExitCode;

/// See the variants; the numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done, or the answer is yes.
    Done,
    /// 1: the answer is no.
    No,
    /// 2: bad input: arguments or configuration.
    BadInput,
    /// 3: inconclusive or partial.
    Partial,
    /// 4: something that is needed cannot be reached or had.
    Unreachable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
