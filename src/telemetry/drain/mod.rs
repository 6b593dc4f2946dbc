//! Whether a backend may be stopped: what is known of its traffic and of what it owns, and what follows from that.

mod facts;
mod judge;
mod survey;
mod words;

#[cfg(test)]
mod facts_tests;
#[cfg(test)]
mod gap_tests;
#[cfg(test)]
mod judge_tests;

pub use facts::{Drain, DrainState, drains};
pub use survey::Survey;
