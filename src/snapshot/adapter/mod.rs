//! A compiled adapter: which request is which operation, and what becomes of heads and bodies on the way.

mod compile;
mod job;
mod operation;
mod program;
mod rules;
mod stream;

pub use crate::config::model::VARIABLES;
pub use compile::Adapter;
pub use job::{Job, Made};
pub use operation::{Asked, Operation};
pub use program::{limits, meaning};
pub use stream::{EventStream, Misfit};
