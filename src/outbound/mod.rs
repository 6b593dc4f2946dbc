//! Whom figshift asks over HTTP: what is near (backends, admin ports) and services outside (gates, flags).
//! Every client is made here, since each needs the one TLS provider.

mod answer;
mod near;
mod outside;
mod probe;
mod retry_after;
mod steps;

pub use answer::{Answer, NoAnswer};
pub use near::{cause, near};
pub use outside::{Outside, is_here};
pub use probe::{Question, Reply, probe};
pub use steps::{Fault, Limits, Step, Stopped, Trip, trip};
