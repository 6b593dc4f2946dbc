//! The guard: whether the candidate is worse than the primary, by how much evidence, and whether it
//! has shown that it is not.
//!
//! It is fed with what each arrival second brought on both sides, and bets on each metric against
//! two claims. "The candidate is not worse than the rollback margin": when the bets against it have
//! grown to 1/`false_rollback`, the traffic is taken back. "The candidate is worse than the promotion
//! margin": when each required metric's bet against it has grown to 1/`false_promotion` at this
//! step, the ramp may go up. Both hold at every look, at any share and with any common change of load,
//! because only units from the same time are compared; `bet.rs` has the formula and its proof in a
//! line.
//!
//! What has to be true of the counts matters more than the formula:
//! - a unit belongs to the side that the split chose, whoever served it in the end;
//! - it belongs to the second in which it was routed, and seconds come in order, when complete;
//! - it is what the split draws for: a request, or a session if the split is sticky;
//! - what the split did not draw (overrides, probes, the mirror) is not counted.
//!
//! Without a primary beside the candidate, at 100 %, [`Simple`] or [`Exact`] watch a fixed limit.

mod absolute;
mod bet;
mod counts;
mod forecast;
mod judge;
#[cfg(test)]
mod judge_tests;
mod metric;
mod promotion;
mod rate;
mod ratio;
mod settings;
mod stake;
mod thresholds;
mod verdict;

pub use absolute::{Exact, Simple, Window};
pub use counts::{CohortCounts, Pair, Tally, Units};
pub use forecast::units_to_notice;
pub use judge::{Guard, Progress};
pub use metric::{Metric, Metrics};
pub use ratio::RatioAlarm;
pub use settings::{Margins, Settings};
pub use thresholds::Thresholds;
pub use verdict::{Against, Reason, Verdict};
