//! `[routes.guard]`.

use crate::config::model::{Compare, Guard, LatencyMargins, Limit, Quantile, Route};
use crate::config::scalar::{Duration, Part, Points};
use crate::config::sheet::Sheet;
use crate::config::tree::Path;

use super::bounds::{DAY, HOUR, MINUTE, SECOND, no_doubles, rising, within};

/// The formulas hold between these.
const LEAST_RISK: Part = Part::from_millionths(1);
const MOST_RISK: Part = Part::from_millionths(500_000);
const LONGEST_HORIZON: Duration = Duration::from_secs(366 * 86_400);
/// Below 90 points, in the finest step.
const WIDEST_ERRORS: Points = Points::from_millionths(899_999);
const WIDEST_LATENCY: Part = Part::from_millionths(10_000_000);

pub(super) fn check(route: &Route, at: &Path, sheet: &mut Sheet<'_>) {
    let guard = &route.guard;
    let at = at.key("guard");
    for (key, risk) in [
        ("false_rollback", guard.false_rollback),
        ("false_promotion", guard.false_promotion),
    ] {
        within(risk, LEAST_RISK, MOST_RISK, &at.key(key), sheet);
    }
    for (key, time, least, most) in [
        ("horizon", guard.horizon, MINUTE, LONGEST_HORIZON),
        ("ride_out", guard.ride_out, Duration::from_secs(0), HOUR),
        ("session", guard.session, SECOND, DAY),
        ("bake", guard.bake, Duration::from_secs(0), DAY),
    ] {
        within(time, least, most, &at.key(key), sheet);
    }
    errors(guard, &at.key("errors"), sheet);
    latency(&guard.latency, &at.key("latency"), sheet);
    limit(&guard.limit, &at.key("limit"), sheet);
    if route.ramp.is_some() {
        ramp_goes_by_it(guard, &at, sheet);
    }
}

fn errors(guard: &Guard, at: &Path, sheet: &mut Sheet<'_>) {
    let errors = &guard.errors;
    let (worse_by, at_most) = (("worse_by", errors.worse_by), ("at_most", errors.at_most));
    for (key, margin) in [worse_by, at_most] {
        let path = at.key(key);
        if margin > WIDEST_ERRORS {
            let message = format!("{} is too wide a margin", sheet.quote(&path));
            sheet.at_value(&path, message, "write less than \"90pp\"");
        }
    }
    rising(at, worse_by, at_most, sheet);
}

fn latency(latency: &LatencyMargins, at: &Path, sheet: &mut Sheet<'_>) {
    let worse_by = ("worse_by", latency.worse_by);
    let at_most = ("at_most", latency.at_most);
    for (key, margin) in [worse_by, at_most] {
        let path = at.key(key);
        if margin > WIDEST_LATENCY {
            let message = format!("{} is too wide a margin", sheet.quote(&path));
            let hint = format!("write at most \"{WIDEST_LATENCY}\"");
            sheet.at_value(&path, message, &hint);
        }
    }
    rising(at, worse_by, at_most, sheet);
    quantiles(latency, at, sheet);
}

fn quantiles(latency: &LatencyMargins, at: &Path, sheet: &mut Sheet<'_>) {
    let (all, asked) = (at.key("quantiles"), at.key("promote_on"));
    no_doubles(&latency.quantiles, &all, sheet);
    no_doubles(&latency.promote_on, &asked, sheet);
    if sheet.is_touched(&all) || sheet.is_touched(&asked) {
        return;
    }
    let is_missing = |quantile: &Quantile| !latency.quantiles.contains(quantile);
    let Some(index) = latency.promote_on.iter().position(is_missing) else {
        return;
    };
    if sheet.written.at(&asked).is_some() {
        let path = asked.index(index);
        let message = format!("{} is not among `quantiles`", sheet.quote(&path));
        let hint = "a step up can only ask for what is measured: add it there, or remove it here";
        sheet.at_value(&path, message, hint);
    } else {
        let message = "a step up asks for \"p95\" by default, and this list leaves it out";
        let hint = "add \"p95\", or `promote_on` with what a step up shall ask for; [] for nothing";
        sheet.at_value(&all, message, hint);
    }
}

fn limit(limit: &Limit, at: &Path, sheet: &mut Sheet<'_>) {
    let path = at.key("errors");
    let millionths = limit.errors.millionths();
    if millionths == 0 || millionths >= 1_000_000 {
        let wrong = match millionths {
            0 => "the first error would be too many",
            _ => "no error rate is above it",
        };
        let message = format!("{} is no limit: {wrong}", sheet.quote(&path));
        let hint = "write more than \"0%\" and less than \"100%\"";
        sheet.at_value(&path, message, hint);
    }
    within(limit.window, SECOND, HOUR, &at.key("window"), sheet);
}

/// A ramp goes up on what the comparison shows, so there must be one.
fn ramp_goes_by_it(guard: &Guard, at: &Path, sheet: &mut Sheet<'_>) {
    if guard.compare == Compare::Limit {
        let message = "the ramp goes up when the candidate is shown to be as good as the primary, \
                       and \"limit\" does not compare them";
        let hint = "write \"primary\", or remove the ramp";
        sheet.at_value(&at.key("compare"), message, hint);
    }
    if !guard.enabled {
        let message = "the ramp goes up on what the guard finds, and this turns the guard off";
        let hint = "remove the ramp, or write `dry_run = true` for a guard that only tells";
        sheet.at_value(&at.key("enabled"), message, hint);
    }
}
