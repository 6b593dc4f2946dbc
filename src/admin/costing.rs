//! What is known of costs, in the words of the API.

use super::view::View;
use crate::api::{BackendCost, BudgetState, SideCost};
use crate::control::{self, Force};
use crate::snapshot::Route;
use crate::stats::{Purpose, Side};

/// Of a backend; `None` where it has neither a price nor a budget.
pub(super) fn of_backend(view: &View, backend: &str) -> Option<BackendCost> {
    let costs = view.costs.load();
    let cost = costs.backends.get(backend)?;
    let price = cost.price.as_ref();
    Some(BackendCost {
        dollars_per_hour: price.map(|price| money(price.per_hour)),
        unknown: cost.unknown.as_ref().map(ToString::to_string),
        source: price.map(|price| price.source.as_str().to_owned()),
        age_seconds: price
            .and_then(|price| price.age)
            .map(|age| age.as_secs_f64().round()),
        unpriced_instances: price.map_or(0, |price| price.unpriced),
        last_hour: money(cost.spent.hour),
        last_day: money(cost.spent.day),
        uncounted_seconds: cost.uncounted.map(|gap| gap.as_secs_f64().round()),
        budget: cost.budget.map(|budget| BudgetState {
            per_hour: budget.per_hour,
            per_day: budget.per_day,
            exhausted: cost.over.map(|over| over.to_string()),
            still: cost.still.map(|still| still.to_string()),
        }),
    })
}

/// How the budget stands that caps a route; `None` where none does.
pub(super) fn of_cap(view: &View, route: &Route, force: Option<&Force>) -> Option<String> {
    force?.budget()?;
    let still = view
        .costs
        .load()
        .still(&route.candidate.as_ref()?.backend.name)?;
    Some(still.to_string())
}

/// Of a side of a route; `None` where its backend has no price.
pub(super) fn of_side(view: &View, route: &str, side: Side) -> Option<SideCost> {
    let costs = view.costs.load();
    let cost: &control::SideCost = costs.side(route, side)?;
    let spent = |purpose: Purpose| money(cost.dollars[purpose as usize]);
    Some(SideCost {
        per_1000: cost.per_1000.map(money),
        per_1000_hour: cost.per_1000_hour.map(money),
        wasted: cost.wasted.map(|part| (part * 1e4).round() / 1e4),
        requests: spent(Purpose::Requests),
        retries: spent(Purpose::Retries),
        idle: money(cost.idle),
    })
}

/// To the millionth: further digits are noise.
fn money(dollars: f64) -> f64 {
    (dollars * 1e6).round() / 1e6
}
