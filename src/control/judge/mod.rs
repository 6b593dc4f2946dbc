//! The judge: reads what the workers have counted, second by second, and says how the candidate of
//! each route does. It decides nothing: the controller does, with the ramp.

mod bench;
mod blame;
mod docket;
mod finding;
mod limit;
mod phase;
mod terms;
#[cfg(test)]
mod tests;
mod timeline;

pub(super) use bench::Bench;
pub use blame::{Blame, Blames};
pub use finding::{Finding, Part, Totals};
pub use phase::GuardPhase;
pub use terms::plan as ramp_plan;
