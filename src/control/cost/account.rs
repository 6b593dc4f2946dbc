//! What a backend has cost, as far as a restart must not forget it.

use std::time::Duration;

use super::price::Price;
use crate::policy::cost::{DAY, HOUR, Spend, Spent};

/// What a backend has cost, and what it cost in an hour when that was known last. Times are since 1970, on
/// the clock of the books.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Account {
    pub(super) spend: Spend,
    pub(super) rate: Option<Rate>,
}

/// A word on what a backend costs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    /// Dollars.
    pub(super) per_hour: f64,
    /// When it held last.
    pub(super) at: Duration,
}

impl Account {
    /// What has come between two moments is spent at this price.
    pub(super) fn look(&mut self, price: Option<Price>, before: Duration, time: Duration) {
        let per_hour = price.map(|price| price.per_hour);
        self.spend.flow(before, time, per_hour.unwrap_or_default());
        if let Some(per_hour) = per_hour {
            self.rate = Some(Rate { per_hour, at: time });
        }
    }

    /// What it costs in an hour. While nobody knows it is taken to be what it was, for an hour.
    pub(super) fn rate(&self, time: Duration) -> Option<f64> {
        let rate = self.rate?;
        let age = time.saturating_sub(rate.at);
        (age < HOUR).then_some(rate.per_hour)
    }

    pub(super) fn spent(&self, time: Duration) -> Spent {
        Spent {
            hour: self.spend.within(time, HOUR),
            day: self.spend.within(time, DAY),
            rate: self.rate(time),
        }
    }

    /// Whether it says anything yet.
    pub(super) fn is_of_use(&self, time: Duration) -> bool {
        self.spend.within(time, DAY) > 0.0 || self.rate(time).is_some_and(|rate| rate > 0.0)
    }
}
