//! The ramp: from a share to the next one, on evidence; back to nothing when the guard says so.
//!
//! | state | on | becomes | move |
//! |---|---|---|---|
//! | idle, finished, rolled back, aborted | `start` | climbing | start |
//! | climbing, at 0 % | may step, breaker closed | climbing at the first step | shift (begun) |
//! | climbing | verdict pass, shortest time over, may step, breaker closed, no ratio alarm | climbing at the next step | shift (passed) |
//! | climbing | the same, and the plan has a gate | at gate | ask |
//! | climbing | the same, and there is no next step | finished | finish |
//! | climbing | verdict stalled, for the first time at this step | climbing | stall |
//! | climbing | verdict stalled, nothing against the candidate, plan: promote if no evidence | as with pass | shift (no evidence) |
//! | climbing | verdict stalled, plan: rollback | rolled back | shift to 0 (stalled) |
//! | at gate | answer yes, and all that climbing asks for | climbing at the next step | shift |
//! | at gate | the plan has no gate any more, or no next step | climbing | as there |
//! | at gate | answer no | paused by the gate | pause |
//! | climbing, at gate | third opening of the breaker within 10 min | rolled back | shift to 0 (flapping) |
//! | any with a share | verdict breach | rolled back | shift to 0 (breach) |
//! | rolled back | its wait is over | climbing at 0 % | retry |
//! | climbing, at gate | `pause` | paused by the operator | pause |
//! | paused | `resume` | climbing | resume |
//! | rolled back, aborted | `resume` | climbing at 0 %, retries counted anew | start |
//! | climbing, at gate, paused, finished | `promote`, breaker closed | climbing at the next step | shift (operator) |
//! | finished below 100 % | `promote`, breaker closed, no further step | finished at 100 % | shift (operator) |
//! | any but aborted | `abort` | aborted | shift to 0 (operator) |
//!
//! While the primary is out nothing goes up or back: there is nothing to compare with and nobody to go back to.
//! A rollback is looked for first, at every tick and in every state, also while a gate thinks or
//! the schedule allows no step. The clock of a step runs while the ramp is climbing or at its gate,
//! the breaker is closed, the primary is there and the schedule allows steps; it does not count what happened while
//! nobody ticked.

mod climb;
#[cfg(test)]
mod clock_tests;
mod plan;
#[cfg(test)]
mod property_tests;
mod state;
#[cfg(test)]
mod tests;

pub use climb::Ramp;
pub use plan::{Plan, WhenStalled};
pub use state::{Cause, Conditions, Move, PausedBy, Refusal, State};
