//! The families of costs: what backends cost, what a budget leaves, and who it was spent for. There are
//! series only for what has a price or a budget.

use std::sync::Arc;

use arc_swap::ArcSwap;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;

use super::family::Spec;
use crate::control::{BackendCost, Costs, SideCost};
use crate::stats::{Purpose, Side};

const PER_HOUR: Spec<1> = Spec {
    name: "backend_dollars_per_hour",
    help: "What the backend costs in an hour now: by the file, or the sum over its instances. Absent while nobody knows.",
    labels: ["backend"],
};
const PRICE_AGE: Spec<1> = Spec {
    name: "backend_price_age_seconds",
    help: "How old the price of the backend is, while the look for a newer one fails; else 0.",
    labels: ["backend"],
};
const TOTAL: Spec<1> = Spec {
    name: "backend_dollars_total",
    help: "What the backend has cost since figshift was started.",
    labels: ["backend"],
};
const BUDGET: Spec<2> = Spec {
    name: "backend_budget_dollars",
    help: "What the backend may cost in any 60 minutes (per=\"hour\") or 24 hours (per=\"day\").",
    labels: ["backend", "per"],
};
const USED: Spec<2> = Spec {
    name: "backend_budget_used_ratio",
    help: "The part of the budget that is spent: 1 is all. From there on no percent with this candidate rises, until it is below 0.95: see figshift_route_over_budget.",
    labels: ["backend", "per"],
};
const EXHAUSTED: Spec<1> = Spec {
    name: "backend_budget_exhausted",
    help: "1 while the budget of the backend is used up, or what it costs now would be too much in an hour.",
    labels: ["backend"],
};
const PER_1000: Spec<2> = Spec {
    name: "dollars_per_1000_requests",
    help: "What 1000 good requests have cost on this side in the last five minutes: the cost of the whole backend, idle time included, by the side's part of its busy time. Absent without a good request.",
    labels: ["route", "side"],
};
const DOLLARS: Spec<3> = Spec {
    name: "dollars_total",
    help: "What was spent on this side since figshift was started: for requests, for retries (tries whose answer no client got), and idle (its part of the time in which nothing ran on the backend).",
    labels: ["route", "side", "for"],
};

/// Over what is known of costs.
#[derive(Debug)]
pub(super) struct CostCollector {
    costs: Arc<ArcSwap<Costs>>,
    descs: Vec<Desc>,
}

impl CostCollector {
    pub(super) fn new(costs: Arc<ArcSwap<Costs>>) -> prometheus::Result<Self> {
        let descs = vec![
            PER_HOUR.desc()?,
            PRICE_AGE.desc()?,
            TOTAL.desc()?,
            BUDGET.desc()?,
            USED.desc()?,
            EXHAUSTED.desc()?,
            PER_1000.desc()?,
            DOLLARS.desc()?,
        ];
        Ok(Self { costs, descs })
    }
}

impl Collector for CostCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let costs = self.costs.load();
        let mut families = of_backends(&costs);
        families.extend(of_sides(&costs));
        // A family without a series would be a fault of the exposition.
        families.retain(|family| !family.get_metric().is_empty());
        families
    }
}

fn of_backends(costs: &Costs) -> Vec<MetricFamily> {
    let all = || costs.backends.iter().map(|(name, cost)| (&**name, cost));
    let priced = || all().filter_map(|(name, cost)| Some((name, cost.price?)));
    let ages = priced().map(|(name, price)| {
        let age = price.age.map_or(0.0, |age| age.as_secs_f64());
        ([name], age)
    });
    let bounds = all().flat_map(|(name, cost)| {
        let budget = cost.budget.unwrap_or_default();
        per([budget.per_hour, budget.per_day]).map(move |(per, of)| ([name, per], of))
    });
    let used = all().flat_map(|(name, cost)| {
        let budget = cost.budget.unwrap_or_default();
        per(budget.used(&cost.spent)).map(move |(per, part)| ([name, per], part))
    });
    let bound = all().filter(|(_, cost)| cost.budget.is_some());
    let is_over = |cost: &BackendCost| f64::from(u8::from(cost.over.is_some()));
    vec![
        PER_HOUR.gauges(priced().map(|(name, price)| ([name], price.per_hour))),
        PRICE_AGE.gauges(ages),
        TOTAL.sums(all().map(|(name, cost)| ([name], cost.total))),
        BUDGET.gauges(bounds),
        USED.gauges(used),
        EXHAUSTED.gauges(bound.map(|(name, cost)| ([name], is_over(cost)))),
    ]
}

/// Those of the hour and the day that are there.
fn per([hour, day]: [Option<f64>; 2]) -> impl Iterator<Item = (&'static str, f64)> {
    let both = [("hour", hour), ("day", day)].into_iter();
    both.filter_map(|(per, figure)| Some((per, figure?)))
}

fn of_sides(costs: &Costs) -> Vec<MetricFamily> {
    let sides = || {
        costs.routes.iter().flat_map(|(route, sides)| {
            let sides = Side::ALL.into_iter().zip(sides);
            sides.filter_map(|(side, cost)| Some((&**route, side.as_str(), cost.as_ref()?)))
        })
    };
    let figures = sides().filter_map(|(route, side, cost)| Some(([route, side], cost.per_1000?)));
    let dollars = sides().flat_map(|(route, side, cost): (&str, &str, &SideCost)| {
        let dollars = Purpose::ALL.into_iter().zip(cost.dollars);
        let dollars = dollars.map(|(purpose, dollars)| (purpose.as_str(), dollars));
        let all = dollars.chain([("idle", cost.idle)]);
        all.map(move |(purpose, dollars)| ([route, side, purpose], dollars))
    });
    vec![PER_1000.gauges(figures), DOLLARS.sums(dollars)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::{Price, PriceSource};
    use crate::policy::cost::{Budget, Over, Spent};
    use crate::telemetry::sample::house;
    use crate::telemetry::tests::series;

    #[test]
    fn costs_are_told_as_they_are_known() {
        let costs: Arc<ArcSwap<Costs>> = Arc::default();
        let metrics = house().metrics().with_costs(Arc::clone(&costs)).unwrap();
        assert!(!metrics.text().unwrap().contains("dollars"));
        let vastai = BackendCost {
            price: Some(Price {
                per_hour: 6.0,
                source: PriceSource::Instances,
                age: None,
                unpriced: 0,
            }),
            unknown: None,
            spent: Spent {
                hour: 5.5,
                day: 20.0,
                rate: Some(6.0),
            },
            total: 3.25,
            budget: Some(Budget {
                per_hour: Some(5.0),
                per_day: Some(80.0),
            }),
            over: Some(Over::Hour {
                spent: 5.5,
                of: 5.0,
            }),
            still: None,
            uncounted: None,
        };
        let unknown = BackendCost::default();
        let side = SideCost {
            per_1000: Some(0.42),
            dollars: [3.0, 0.25],
            idle: 1.5,
            ..SideCost::default()
        };
        let idle = SideCost::default();
        costs.store(Arc::new(Costs {
            backends: [("vastai".to_owned(), vastai), ("other".to_owned(), unknown)].into(),
            routes: [("route0".to_owned(), [Some(idle), Some(side)])].into(),
        }));
        let all = series(&metrics.text().unwrap());
        for (name, value) in [
            (r#"backend_dollars_per_hour{backend="vastai"}"#, Some(6.0)),
            (r#"backend_dollars_per_hour{backend="other"}"#, None),
            (r#"backend_price_age_seconds{backend="vastai"}"#, Some(0.0)),
            (r#"backend_dollars_total{backend="vastai"}"#, Some(3.25)),
            (
                r#"backend_budget_dollars{backend="vastai",per="hour"}"#,
                Some(5.0),
            ),
            (
                r#"backend_budget_used_ratio{backend="vastai",per="hour"}"#,
                Some(1.1),
            ),
            (
                r#"backend_budget_used_ratio{backend="vastai",per="day"}"#,
                Some(0.25),
            ),
            (r#"backend_budget_exhausted{backend="vastai"}"#, Some(1.0)),
            (r#"backend_budget_exhausted{backend="other"}"#, None),
            (
                r#"dollars_per_1000_requests{route="route0",side="candidate"}"#,
                Some(0.42),
            ),
            (
                r#"dollars_per_1000_requests{route="route0",side="primary"}"#,
                None,
            ),
            (
                r#"dollars_total{route="route0",side="candidate",for="requests"}"#,
                Some(3.0),
            ),
            (
                r#"dollars_total{route="route0",side="candidate",for="retries"}"#,
                Some(0.25),
            ),
            (
                r#"dollars_total{route="route0",side="candidate",for="idle"}"#,
                Some(1.5),
            ),
        ] {
            let full = format!("figshift_{name}");
            assert_eq!(all.get(&full).copied(), value, "{name}");
        }
    }
}
