//! What the values mean together: addresses, names that must exist, limits, routes that can never
//! match. Every check notes its problem and goes on.

mod admin;
mod backends;
mod bounds;
mod budget;
mod discover;
mod file;
mod guard;
mod limits;
mod listen;
mod names;
mod paths;
mod ramp;
mod routes;
mod serverless;
mod tls;
mod urls;

pub(super) use file::check;
