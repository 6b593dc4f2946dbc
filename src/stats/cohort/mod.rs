//! Arrival cohorts: what the requests of each second came to on both sides of a route, counted by
//! the workers and read by the control plane when the second is settled.
//!
//! A **unit** is one draw of the split, and stands on the side that was drawn: whoever serves the
//! request in the end, the outcome that counts is that of the first try there. It enters its cohort
//! when that try begins, so what never reached the side (a bypass), a breaker's probe, and what the
//! split did not decide (an override) is no unit.
//!
//! | how the first try ended | bad | latency |
//! |---|---|---|
//! | ok | | counted, at the first byte of the body, or at the end where there is none |
//! | server error, no connection, timeout, reset | yes | |
//! | broken after its head | yes | taken back |
//! | client error, capacity (429, or 503 with `Retry-After`) | | |
//! | the client left | | slow by each limit that it had waited for in vain, else not counted |
//! | no answer when the cohort is read | yes | |
//!
//! Where the split is sticky, requests of one user are not independent of each other, so a user counts once
//! in a **session**: for latency its first request, for errors every request until one is bad.

mod cohorts;
mod limits;
mod sessions;
mod slot;
#[cfg(test)]
mod tests;
mod unit;

pub use cohorts::{Cohort, Cohorts};
pub use limits::Limits;
pub use slot::SideCounts;
pub use unit::{Draw, Unit};
