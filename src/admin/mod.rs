//! The admin port: what operators, orchestrators and scrapers ask. It only reads.

mod moment;
mod problem;
mod router;
mod routes;
mod view;

#[cfg(test)]
mod tests;

pub use router::router;
pub use view::View;
