//! Decisions as pure functions: no clock, no I/O, no randomness of their own. Time and draws are
//! arguments, so the same code runs in the worker and in a seeded simulation.

mod balance;
mod breaker;
mod budget;
pub mod cost;
pub mod guard;
pub mod ramp;
mod split;

pub use balance::{Weights, lighter};
pub use breaker::{Admit, Breaker, Phase, Ticket};
pub use budget::retry_allowed;
pub use split::{Salt, Split};
