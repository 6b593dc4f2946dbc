//! The admin port: what operators, orchestrators and scrapers ask, and what operators tell.

mod access;
mod body;
mod climbing;
mod costing;
mod discovering;
mod draining;
mod explain;
mod flag;
mod follower;
mod guarding;
mod host;
mod inquirer;
mod moment;
mod openapi;
mod openapi_owners;
mod patience;
mod problem;
mod refusal;
mod report;
mod router;
mod routes;
mod serve;
mod socket;
mod view;
mod words;

#[cfg(test)]
mod drain_tests;
#[cfg(test)]
mod guard_tests;
#[cfg(test)]
mod stream_tests;
#[cfg(test)]
mod tests;

pub use inquirer::Inquirer;
pub use patience::Patience;
pub use router::{router, router_of_operator};
pub use serve::{MOST_CONNECTIONS, serve};
pub use socket::{SocketFile, answers_at, listen_at};
pub use view::{MOST_STREAMS, View};
pub use words::{entry, links};
