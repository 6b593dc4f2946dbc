//! What figshift tells of itself: metrics, figures of the last minute, log lines. It reads cells
//! and writes nothing that a worker reads. Label values come from the configuration or from sets
//! that are closed at compile time, so nothing that a client sends can grow the number of series.

mod adapters;
mod collector;
mod costs;
mod discoveries;
mod drain;
mod endpoints;
mod family;
mod flags;
mod guards;
mod house;
mod limits;
mod logs;
mod metrics;
mod owners;
mod ramps;
mod routes;
mod serverless;
mod shares;
mod window;

#[cfg(test)]
mod adapters_tests;
#[cfg(test)]
mod guard_tests;
#[cfg(test)]
mod owners_tests;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use collector::Sources;
pub use drain::{Drain, DrainState, Survey, drains};
pub use logs::{LogError, Logs, init_logs};
pub use metrics::Metrics;
pub use window::{Recent, Window};
