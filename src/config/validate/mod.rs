//! What the values mean together: addresses, names that must exist, limits, routes that can never
//! match. Every check notes its problem and goes on.

mod adapters;
mod admin;
mod backends;
mod bounds;
mod budget;
mod discover;
mod file;
mod guard;
mod header_rules;
mod limits;
mod listen;
mod names;
mod ownership;
mod paths;
mod patterns;
mod prefixes;
mod programs;
mod query_rules;
mod ramp;
mod routes;
mod serverless;
mod tls;
mod urls;

pub(super) use file::check;
