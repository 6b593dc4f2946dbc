//! `[listen.limits]`, `limit` of a backend, `rate_limit` of a route.

use crate::config::model::{BackendLimit, ClientLimits, RateLimit};
use crate::config::scalar::{Duration, Size};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{DAY, HOUR, SECOND, clock, rising, within};

pub(super) fn check(limits: &ClientLimits, at: &Path, sheet: &mut Sheet<'_>) {
    within(
        limits.head,
        Size::kib(1),
        Size::kib(256),
        &at.key("head"),
        sheet,
    );
    // Above it, the parser refuses by itself.
    let longest = Size::from_bytes(65_000);
    within(
        limits.uri,
        Size::from_bytes(256),
        longest,
        &at.key("uri"),
        sheet,
    );
    rising(at, ("uri", limits.uri), ("head", limits.head), sheet);
    let shortest = Duration::from_millis(100);
    within(
        limits.head_time,
        shortest,
        HOUR,
        &at.key("head_time"),
        sheet,
    );
    let fastest = Size::kib(1024);
    within(
        limits.body_rate,
        Size::from_bytes(0),
        fastest,
        &at.key("body_rate"),
        sheet,
    );
    within(
        limits.body_grace,
        SECOND,
        HOUR,
        &at.key("body_grace"),
        sheet,
    );
    within(limits.read_time, SECOND, DAY, &at.key("read_time"), sheet);
}

pub(super) fn of_backend(limit: &BackendLimit, at: &Path, sheet: &mut Sheet<'_>) {
    clock(limit.queue_time, HOUR, &at.key("queue_time"), sheet);
}

pub(super) fn of_route(limit: &RateLimit, at: &Path, sheet: &mut Sheet<'_>) {
    let shortest = Duration::from_millis(1);
    within(limit.per, shortest, DAY, &at.key("per"), sheet);
}
