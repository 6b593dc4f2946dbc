//! What the backends cost: their prices, what was spent, and who it was spent for.

mod account;
mod kept;
mod ledger;
mod price;
mod purse;
mod side;
mod sights;
#[cfg(test)]
mod tests;

pub use price::{Price, PriceSource, Unknown};
pub(super) use purse::Purse;
pub use sights::{BackendCost, Costs, SideCost};
