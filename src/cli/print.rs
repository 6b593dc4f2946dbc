//! What a command says on standard output.

use std::io::{self, ErrorKind, Write as _};

use serde::Serialize;

use super::Exit;

/// Prints a text that ends its own lines.
pub(super) fn print(text: &str) -> Exit {
    match put(text) {
        Ok(()) => Exit::Done,
        // The reader of a pipe has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Exit::Done,
        Err(_) => Exit::Unreachable,
    }
}

/// Prints a text that ends its own lines, for who has more to say.
///
/// # Errors
///
/// Nobody reads any more, or it cannot be written.
pub(super) fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout();
    write!(out, "{text}").and_then(|()| out.flush())
}

/// Prints one document.
pub(super) fn print_json(value: &impl Serialize) -> Exit {
    match serde_json::to_string_pretty(value) {
        Ok(text) => print(&(text + "\n")),
        Err(_) => Exit::Unreachable,
    }
}

impl Exit {
    /// This, unless printing has failed.
    pub(super) fn after(self, printed: Self) -> Self {
        match printed {
            Self::Done => self,
            failed => failed,
        }
    }
}
