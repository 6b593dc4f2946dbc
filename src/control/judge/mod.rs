//! The judge: reads what the workers have counted, second by second, and says how the candidate of
//! each route does. It decides nothing: the controller does, with the ramp.

mod bench;
mod docket;
mod finding;
mod limit;
mod terms;
#[cfg(test)]
mod tests;
mod timeline;

pub(super) use bench::Bench;
pub use finding::{Finding, Part, Totals};
pub(super) use terms::plan as ramp_plan;
