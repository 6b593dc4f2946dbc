//! Values: JSON as programs see it. Containers are shared, never deeper than the engine can stand,
//! and know how large they would be in print, so that a value that fits in memory only because it
//! shares its parts is noticed when it is made.

mod arithmetic;
mod error;
mod fields;
mod index;
mod list;
mod num;
mod order;
mod parse;
mod traits;
mod update;
mod val;
mod write;

pub(super) use arithmetic::split;
pub(super) use error::{cannot, over};
pub use fields::Fields;
pub(super) use index::positions;
pub use list::List;
pub use num::Num;
pub(super) use order::{compare, pay_for_keys, sort};
pub use val::Val;

#[cfg(test)]
mod value_tests;
