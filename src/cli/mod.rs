//! The command line: one file per subcommand, one table of exit codes.

mod args;
mod check;
mod demo;
mod exit;
mod health;
mod schema;
mod serve;

pub use args::{Args, run};
pub use exit::Exit;
