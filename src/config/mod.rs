//! The file: types, loading, every problem at once.
//!
//! A text becomes a [`Config`] in five steps, and the problems of all are told
//! together: TOML with recovery (`load`), a tree with places (`tree`), `${...}` (`interpolate`),
//! shape against the schema (`structure`), meaning (`validate`).

pub mod model;
pub mod scalar;

mod defaults;
mod interpolate;
mod load;
mod placed;
mod problem;
mod reading;
mod redact;
mod restart;
mod schema;
mod sheet;
mod structure;
mod syntax;
mod tree;
mod validate;

#[cfg(test)]
mod tests;

pub use interpolate::{EmptyEnv, Env, ProcessEnv};
pub use load::{Loaded, load, parse};
pub use model::{Config, default_state_dir};
pub use placed::{Found, placed};
pub use problem::{Problem, Problems};
pub use redact::redacted;
pub use restart::{keep_running_values, needs_restart};
pub use schema::schema;
