//! What backends cost.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a backend costs, in dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BackendCost {
    /// In an hour, as it is now; absent while nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dollars_per_hour: Option<f64>,
    /// Why nobody knows, such as which instance has no price; absent while it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unknown: Option<String>,
    /// Who says so: `file`, or `instances` (the sum over them).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How old that word is, while the look for a newer one fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<f64>,
    /// Stopped instances whose storage has no known price: they count as nothing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unpriced_instances: usize,
    /// Spent in the last 60 minutes, as far as it was counted.
    pub last_hour: f64,
    /// Spent in the last 24 hours, as far as it was counted.
    pub last_day: f64,
    /// Nobody counted for so long before the start of figshift, within the last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uncounted_seconds: Option<f64>,
    /// What may be spent; absent without a bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<BudgetState>,
}

/// The budget of a backend, in dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BudgetState {
    /// In any 60 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<f64>,
    /// In any 24 hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_day: Option<f64>,
    /// How it is used up; absent while it is not. No percent of a route with this candidate rises then, until less
    /// than 95 % of it is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exhausted: Option<String>,
    /// By what, in present figures, a cap stays and when that ends; absent when none would stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub still: Option<String>,
}

/// What one side of a route costs, in dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideCost {
    /// For 1000 good requests in the last five minutes: the cost of the whole backend, idle time included, by this
    /// side's part of its busy time. Absent without a good request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_1000: Option<f64>,
    /// The same in the last hour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub per_1000_hour: Option<f64>,
    /// The part of this side's busy time of the last five minutes that went to tries whose answer no client got, 0
    /// to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wasted: Option<f64>,
    /// Since the start of figshift, for requests.
    pub requests: f64,
    /// Since the start of figshift, for tries whose answer no client got.
    pub retries: f64,
    /// Since the start of figshift, this side's part of the time in which nothing ran on its backend.
    #[serde(default)]
    pub idle: f64,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}
