//! The admin port: what operators, orchestrators and scrapers ask, and what operators tell.

mod access;
mod body;
mod flag;
mod host;
mod moment;
mod openapi;
mod problem;
mod refusal;
mod report;
mod router;
mod routes;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use router::router;
pub use view::View;
pub use words::{entry, links};
