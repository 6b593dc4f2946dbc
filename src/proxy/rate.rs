//! The rate limit of a route: whose request it is, and whether it is one too many.

use std::net::IpAddr;
use std::time::Duration;

use http::request::Parts;

use crate::snapshot::{RateLimit, Sticky};
use crate::wire::{cookie, query};

/// Counts a request.
///
/// # Errors
///
/// It is one too many: so long has its client to wait.
pub(super) fn count(
    rate: &RateLimit,
    head: &Parts,
    client: impl Fn() -> IpAddr,
) -> Result<(), Duration> {
    let key = match &rate.key {
        Sticky::Header(name) => head.headers.get(name).map(|value| value.as_bytes()),
        Sticky::Cookie(name) => cookie(&head.headers, name),
        Sticky::Query(name) => query(head.uri.query(), name),
        Sticky::ClientIp => None,
    };
    match key {
        Some(key) => rate.count(key),
        None => match client().to_canonical() {
            IpAddr::V4(address) => rate.count(&address.octets()),
            // Any client has all addresses of a network of 64 bits.
            IpAddr::V6(address) => rate.count(&address.octets()[..8]),
        },
    }
}
