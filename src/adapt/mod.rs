//! Bodies and events as the other side wants them: programs in a subset of jq, run on JSON that
//! nobody vouches for; event streams taken apart and put together again; compressed bodies.
//!
//! Whoever writes a program is trusted, what it runs on is not: whatever stands in a body, a run
//! ends within its limits and answers with a value or a [`Fault`].

mod coding;
mod event;
mod events;
mod fault;
mod filter;
mod meter;
mod natives;
mod pattern;
mod place;
mod refused;
mod spot;
mod subset;
mod value;

#[cfg(test)]
mod hostile_tests;

pub use coding::decode;
pub use event::{Event, EventsError, Outcome};
pub use events::Events;
pub use fault::{Coding, Fault, Message};
pub use filter::Filter;
pub use meter::Limits;
pub use pattern::{
    BadPattern, Pattern, Taken, decoded, escaped, leads_away, query_pairs, unescaped,
};
pub use place::Place;
pub use refused::Refused;
pub use spot::{ID, Named, Part, Spot};
pub use value::{Fields, List, Num, Val};
