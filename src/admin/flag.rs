//! The feature flag of a route, for the state of the API.

use std::time::Instant;

use super::moment::rfc3339;
use super::report::Report;
use super::words::percent;
use crate::api::FlagState;
use crate::control::{Cause, Force};

/// What is known of the flag of a route, if the file has one.
pub(super) fn of_route(report: &Report<'_>, route: &str) -> Option<FlagState> {
    let sights = report.view.flags.load();
    let (sight, now) = (sights.get(route)?, Instant::now());
    let chain = report
        .standing
        .forces
        .get(route)
        .map(|force: &Force| &*force.chain);
    let mut links = chain.unwrap_or_default().iter();
    let laid = links.find(|link| link.what == Cause::Flag);
    Some(FlagState {
        key: sight.key.clone(),
        percent: laid.map(|link| percent(link.hundredths)),
        says: sight.says,
        last_success: sight.good_at.map(rfc3339),
        age_seconds: (sight.age(now).as_secs_f64() * 10.0).round() / 10.0,
        stale: sight.is_stale(now),
        error: sight.error.clone(),
    })
}
