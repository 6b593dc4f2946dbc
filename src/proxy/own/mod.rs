//! What was made on one side is found there again: whose a request is, what is done with an id that nobody has
//! seen, and what is learned from responses.

mod again;
mod ask;
mod claim;
mod created;
mod inward;
mod learn;
mod list;
mod outward;
mod resolve;
mod stream;
mod used;

pub(super) use claim::{Claim, claim};
pub(super) use learn::learn;
pub(super) use resolve::{resolve, turns, turns_after};
pub(super) use stream::Learner;
