//! Everything that a request may consult, immutable and complete. The control plane compiles and
//! publishes snapshots, workers pin and read them; the two meet here and nowhere else.

mod adapter;
mod address;
mod backend;
mod compile;
mod cut;
mod effective;
mod endpoints;
mod fitness;
mod limits;
mod ownership;
mod publish;
mod rate;
mod route;
mod router;
mod seats;
mod serverless;
mod status;
mod whole;

#[cfg(test)]
mod tests;

pub use crate::config::model::{Protocol, Ready, WhenUnknown};
pub use adapter::{
    Adapter, Asked, EventStream, Job, Made, Misfit, Operation, VARIABLES, limits, meaning,
};
pub use address::{Address, Addresses};
pub use backend::{Authorization, Backend, Endpoint, HostRule, Member, Picked, Target, Tried};
pub use compile::{Unsound, compile};
pub use cut::Cuts;
pub use fitness::{Fitness, Sight};
pub use limits::ClientLimits;
pub use ownership::Ownership;
pub use publish::{Pin, Publisher, Reader};
pub use rate::RateLimit;
pub use route::{Arm, Match, Route, Sticky};
pub use router::{Ask, Router};
pub use seats::{Limit, Seat, Seats, Turn, Waiting};
pub use serverless::{Cost, EndpointKey, KeySlot, Line, Place, Serverless};
pub use status::Statuses;
pub use whole::Snapshot;
