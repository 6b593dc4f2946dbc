//! What `status` says of money.

use super::columns::plain;
use crate::api::{BackendCost, RouteState, SideCost, State};
use crate::policy::cost::dollars;

/// A line for each backend that has a price or a budget.
pub(super) fn of_backends(state: &State) -> String {
    let backends = state.backends.iter();
    let lines = backends.filter_map(|(name, backend)| {
        let cost = backend.cost.as_ref()?;
        Some(format!("cost of {name}: {}\n", plain(&of_backend(cost))))
    });
    lines.collect()
}

/// `$0.76/h by its instances; $5.02 of $5.00 in the last hour, $20.10 of $80.00 in the last 24`.
fn of_backend(cost: &BackendCost) -> String {
    let mut text = match cost.dollars_per_hour {
        None => unknown(cost),
        Some(per_hour) => format!("{}/h", dollars(per_hour)),
    };
    if cost.source.as_deref() == Some("instances") {
        text += " by its instances";
    }
    if let Some(age) = cost.age_seconds {
        text += &format!(", as of {age:.0} s ago");
    }
    if cost.unpriced_instances > 0 {
        let stopped = cost.unpriced_instances;
        text += &format!(", {stopped} stopped without a known price for storage");
    }
    let budget = cost.budget.as_ref();
    let of = |bound: Option<f64>| bound.map(|of| format!(" of {}", dollars(of)));
    text += &format!(
        "; {}{} in the last hour, {}{} in the last 24",
        dollars(cost.last_hour),
        of(budget.and_then(|budget| budget.per_hour)).unwrap_or_default(),
        dollars(cost.last_day),
        of(budget.and_then(|budget| budget.per_day)).unwrap_or_default()
    );
    if let Some(gap) = cost.uncounted_seconds {
        text += &format!(" (not counted: {gap:.0} s before the start)");
    }
    if let Some(exhausted) = budget.and_then(|budget| budget.exhausted.as_ref()) {
        text += &format!("; BUDGET USED UP: {exhausted}");
    }
    text
}

/// `nobody knows its price: vastai:41000101 has none in the list; its budget cannot be kept meanwhile`.
fn unknown(cost: &BackendCost) -> String {
    let why = cost.unknown.as_ref();
    let why = why.map(|why| format!(": {why}")).unwrap_or_default();
    // What is not counted uses nothing up.
    let budget = cost.budget.as_ref();
    let budget = budget.map_or("", |_| "; its budget cannot be kept meanwhile");
    format!("nobody knows its price{why}{budget}")
}

/// What there is to tell of a route, each line without its end.
pub(super) fn of_route(route: &RouteState) -> Vec<String> {
    let figure = |side: &str, cost: Option<&SideCost>| {
        let cost = cost?;
        let per_1000 = cost.per_1000.map_or_else(|| "-".to_owned(), dollars);
        let wasted = cost.wasted.filter(|wasted| *wasted >= 0.000_5);
        let wasted = wasted.map(|part| format!(" ({:.1} % of its time for retries)", part * 100.0));
        Some(format!(
            "{per_1000} on the {side}{}",
            wasted.unwrap_or_default()
        ))
    };
    let candidate = route.candidate.as_ref();
    let sides = [
        figure("primary", route.primary.cost.as_ref()),
        figure("candidate", candidate.and_then(|side| side.cost.as_ref())),
    ];
    let sides: Vec<String> = sides.into_iter().flatten().collect();
    let ratio = route.cost_ratio;
    let ratio = ratio.map(|ratio| format!(", {ratio:.2} times the primary's"));
    let cost = (!sides.is_empty()).then(|| {
        let sides = sides.join(", ");
        format!(
            "dollars per 1000 in the last 5 minutes: {sides}{}",
            ratio.unwrap_or_default()
        )
    });
    let budget = route.chain.iter().find(|link| link.what == "budget");
    let budget = budget.map(|link| {
        let why = link.reason.as_deref().map(plain).unwrap_or_default();
        let at = link.at.as_deref().unwrap_or("some time");
        let now = route.budget_now.as_deref().map(plain);
        let now = now.map(|now| format!("; now {now}")).unwrap_or_default();
        format!("budget: no rise since {at} ({why}){now}; nothing is taken away")
    });
    cost.into_iter().chain(budget).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::BudgetState;

    #[test]
    fn backends_are_told_with_all_that_is_known() {
        let mut cost = BackendCost {
            dollars_per_hour: Some(3.2),
            unknown: None,
            source: Some("file".to_owned()),
            age_seconds: None,
            unpriced_instances: 0,
            last_hour: 1.6,
            last_day: 1.6,
            uncounted_seconds: None,
            budget: None,
        };
        assert_eq!(
            of_backend(&cost),
            "$3.20/h; $1.60 in the last hour, $1.60 in the last 24"
        );
        cost.source = Some("instances".to_owned());
        cost.age_seconds = Some(70.0);
        cost.unpriced_instances = 1;
        cost.uncounted_seconds = Some(300.0);
        cost.budget = Some(BudgetState {
            per_hour: Some(1.5),
            per_day: Some(80.0),
            exhausted: Some("$1.60 of $1.50 in the last hour".to_owned()),
            still: None,
        });
        assert_eq!(
            of_backend(&cost),
            "$3.20/h by its instances, as of 70 s ago, 1 stopped without a known price for storage; \
             $1.60 of $1.50 in the last hour, $1.60 of $80.00 in the last 24 \
             (not counted: 300 s before the start); BUDGET USED UP: $1.60 of $1.50 in the last hour"
        );
        cost.dollars_per_hour = None;
        cost.source = None;
        cost.unknown = Some("vastai:7 has none in the list".to_owned());
        let told = "nobody knows its price: vastai:7 has none in the list; its budget cannot be kept meanwhile, as of";
        let is = of_backend(&cost);
        assert!(is.starts_with(told), "{is}");
        cost.budget = None;
        cost.unknown = None;
        assert!(of_backend(&cost).starts_with("nobody knows its price, as of"));
    }
}
