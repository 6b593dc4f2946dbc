//! A hard rollback: what still runs on the candidate is cut, and nothing else is.

mod stand;
mod streams;
mod waits;
