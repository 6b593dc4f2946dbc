//! What the values mean together: addresses, names that must exist, limits, routes that can never
//! match. Every check notes its problem and goes on.

mod admin;
mod backends;
mod file;
mod listen;
mod names;
mod paths;
mod routes;

pub(super) use file::check;
