//! What became of the last requests, and why: each worker remembers a bounded number of decisions in
//! plain memory of its own, and answers questions about them that hang on a board. Nothing here waits,
//! locks or allocates per request.

mod board;
mod decision;
mod memory;
mod moment;
mod ring;

pub use board::{Asked, Board, Found};
pub use decision::{By, Chosen, Decision, Mark, Try};
pub use memory::{BYPASSED, Memory, NOTABLE, SMOOTH, STATES};
pub use moment::Moment;
