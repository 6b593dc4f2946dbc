//! The control plane: one door through which everything passes that alters traffic. It never
//! touches a request.

mod apply;
mod change;
mod controller;
mod door;
mod events;
mod flag;
mod force;
mod gate;
mod health;
mod journal;
mod judge;
mod judging;
mod kill;
mod last_good;
mod ofrep;
mod open;
mod overrides;
mod plan;
mod ramps;
mod reasons;
mod rest;
mod said;
mod sight;
mod standing;
mod watch;
mod watched;

pub use change::{Actor, Answer, Change, Done, Order, Refused, What};
pub use controller::Controller;
pub use door::Door;
pub use events::Events;
pub use flag::{Flags, keep_flags};
pub use force::{Cause, Force, Link, Switches};
pub use gate::{Gates, ask_gates};
pub use health::check_health;
pub use journal::{Entry, Move, journal_path, read_journal, read_journal_after};
pub use judge::{Blame, Blames, Finding, GuardPhase, Part, Totals, ramp_plan};
pub use judging::{Findings, Judged};
pub use kill::{kill_path, watch_kill};
pub use open::OpenError;
pub use overrides::{Climb, Flagged, Hold, Overrides, RouteOverride, Shifted, Stamp};
pub use rest::at_rest;
pub use sight::{FlagSight, FlagSights};
pub use standing::{Outcome, Standing};
pub use watch::watch_file;
