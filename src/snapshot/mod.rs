//! Everything that a request may consult, immutable and complete. The control plane compiles and
//! publishes snapshots, workers pin and read them; the two meet here and nowhere else.

mod backend;
mod compile;
mod cut;
mod effective;
mod fitness;
mod publish;
mod route;
mod router;
mod status;
mod whole;

#[cfg(test)]
mod tests;

pub use crate::config::model::Protocol;
pub use backend::{Backend, Endpoint, HostRule, Member, Picked, Target, Tried};
pub use compile::{Unsound, compile};
pub use cut::Cuts;
pub use fitness::{Fitness, Sight};
pub use publish::{Pin, Publisher, Reader};
pub use route::{Arm, Match, Route, Sticky};
pub use router::{Ask, Router};
pub use status::Statuses;
pub use whole::Snapshot;
