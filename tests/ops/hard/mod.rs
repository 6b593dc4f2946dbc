//! A hard rollback: what still runs on the candidate is cut, and nothing else is.

mod command;
mod stand;
mod streams;
mod tunnels;
mod waits;
