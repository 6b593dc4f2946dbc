//! What backends cost: what was spent in a rolling window, who kept a backend busy, and when a budget
//! is used up.

mod busy;
mod calm;
mod cap;
mod spend;
mod trail;
mod words;

pub use busy::Busy;
pub use calm::{CALM, Calm};
pub use cap::{Budget, Over, Spent, Still};
pub use spend::{DAY, HOUR, Spend};
pub use trail::{Add, Trail, per_1000};
pub use words::dollars;
