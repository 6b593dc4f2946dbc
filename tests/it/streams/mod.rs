//! Event streams: nothing goes to a client before the first event, silence is told by what is said and
//! not by heartbeats, and what goes wrong later is told and counted.

mod held;
mod left;
mod pace;
mod stand;
mod told;
mod warm;
