//! What the backends cost: their prices, what was spent, and who it was spent for.

mod kept;
mod ledger;
mod price;
mod purse;
mod side;
mod sights;
#[cfg(test)]
mod tests;
mod words;

pub use price::{Price, PriceSource};
pub(super) use purse::Purse;
pub use sights::{BackendCost, Costs, SideCost};
pub use words::dollars;
pub(super) use words::over_words;
