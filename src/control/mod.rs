//! The control plane: one door through which everything passes that alters traffic. It never
//! touches a request.

mod change;
mod controller;
mod health;
mod last_good;
mod standing;
mod watch;

pub use change::{Actor, Change, What};
pub use controller::{Controller, Door, OpenError};
pub use health::check_health;
pub use standing::{Outcome, Standing};
pub use watch::watch_file;
