//! The command line: one file per subcommand, one table of exit codes.

mod address;
mod args;
mod ask;
mod check;
mod columns;
mod completions;
mod demo;
mod edit;
mod events;
mod exit;
mod explain;
mod follow;
mod health;
mod learned;
mod lines;
mod manager;
mod moved;
mod offline;
mod print;
mod ramp;
mod reach;
mod resume;
mod rollback;
mod schema;
mod serve;
mod shift;
mod signals;
mod status;
mod story;
mod stream;
mod verify;

pub use args::{Args, run};
pub use exit::Exit;
