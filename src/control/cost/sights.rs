//! What is known of costs, for everybody to read.

use std::collections::BTreeMap;
use std::time::Duration;

use super::price::{Price, Unknown};
use crate::policy::cost::{Budget, Over, Spent, Still};
use crate::stats::{Purpose, Side};

/// What is known of costs, renewed each second. It has what has a price, a budget, or has cost something
/// within a day.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Costs {
    /// By the backend's name.
    pub backends: BTreeMap<String, BackendCost>,
    /// By the route's name, primary first.
    pub routes: BTreeMap<String, [Option<SideCost>; 2]>,
}

/// What one backend costs.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BackendCost {
    /// What it costs now; `None` if nobody knows.
    pub price: Option<Price>,
    /// Why nobody knows.
    pub unknown: Option<Unknown>,
    /// What was spent in the last hour and day, as far as this is known.
    pub spent: Spent,
    /// Dollars since the start of the process.
    pub total: f64,
    /// What may be spent.
    pub budget: Option<Budget>,
    /// The budget is used up, by this.
    pub over: Option<Over>,
    /// What keeps a cap on, or would; `None` when it may go.
    pub still: Option<Still>,
    /// Nobody counted for so long before the start, within the last day.
    pub uncounted: Option<Duration>,
}

/// What one side of a route costs.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct SideCost {
    /// Dollars for 1000 good requests, in the last five minutes; `None` without any.
    pub per_1000: Option<f64>,
    /// The same in the last hour.
    pub per_1000_hour: Option<f64>,
    /// The part of the side's busy time of the last five minutes that served no client, 0 to 1.
    pub wasted: Option<f64>,
    /// Dollars since the start of the process, by what they were spent for.
    pub dollars: [f64; Purpose::COUNT],
    /// This side's part of the dollars of time in which nothing ran on its backend, since then.
    pub idle: f64,
}

impl Costs {
    /// What keeps a cap on for the budget of this backend, by the present figures.
    pub fn still(&self, backend: &str) -> Option<Still> {
        self.backends.get(backend)?.still
    }

    /// What a side of a route costs, if its backend has a price.
    pub fn side(&self, route: &str, side: Side) -> Option<&SideCost> {
        let sides = self.routes.get(route)?;
        sides.get(side as usize)?.as_ref()
    }
}
