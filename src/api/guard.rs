//! What the guard knows of a candidate.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The guard of a route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GuardState {
    /// What it is at.
    pub state: GuardWord,
    /// Nothing follows from what it finds.
    pub dry_run: bool,
    /// What the candidate is compared with at its present share.
    pub compares_with: Yardstick,
    /// Evidence against the candidate, all metrics together: 1 is none, `needed` is enough. At most 1e12.
    pub evidence: f64,
    /// The evidence that takes the traffic back.
    pub needed: f64,
    /// Which metric speaks most against the candidate, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_against: Option<MetricWord>,
    /// What was found, for people: the counts of both sides. There in the states `warning`, `breach`,
    /// `stalled`, `dry_run_breach` and `held`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Each metric that is watched.
    pub metrics: Vec<MetricState>,
    /// Each metric that a step up asks for, counted since the step began.
    pub progress: Vec<ProgressState>,
    /// Requests of the candidate that were compared at this step. On a sticky route: users.
    pub units_at_step: u64,
    /// About how many more of them a step up takes; absent when no end is in sight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub more_requests_to_promote: Option<u64>,
    /// Comparisons since the evidence began.
    pub batches: u64,
    /// The candidate does not get the share that it is meant to get: something in front of the split, or
    /// its counts, is wrong. The ramp waits.
    pub ratio_alarm: bool,
    /// What counts as slow; absent while too little is known of the primary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<SlowLimits>,
    /// What was counted of the primary since the route has this pair of backends.
    pub primary: SideUnits,
    /// And of the candidate.
    pub candidate: SideUnits,
}

/// What the guard is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GuardWord {
    /// Nobody watches: `guard.enabled = false`.
    Off,
    /// The candidate has no share, so there is nothing to compare.
    Idle,
    /// Errors are compared; what counts as slow is not known yet.
    Learning,
    /// Both sides are compared, or the candidate with the limit.
    Watching,
    /// There is evidence against the candidate, not enough to take traffic back: no step up.
    Warning,
    /// The candidate has shown that it is not too bad for a step up.
    Passed,
    /// The step of the ramp has lasted its longest time without a result.
    Stalled,
    /// The candidate is worse; its traffic is about to be taken back.
    Breach,
    /// The candidate is worse, and since it is a dry run nothing follows.
    DryRunBreach,
    /// The candidate was worse, and its traffic is held back until somebody resumes or the ramp tries again.
    Held,
}

/// What the candidate is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Yardstick {
    /// The primary's requests of the same time.
    Primary,
    /// The fixed limit of errors: at 100 %, and with `compare = "limit"`.
    Limit,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MetricWord {
    /// Requests that failed.
    Errors,
    /// Requests slower than the primary's median.
    P50,
    /// Requests slower than the primary's 95th percentile.
    P95,
    /// Requests slower than the primary's 99th percentile.
    P99,
}

/// A metric that is watched.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricState {
    /// Which.
    pub metric: MetricWord,
    /// What this metric alone says against the candidate: it begins at 0.5, and what is clearly above that
    /// speaks against the candidate. At most 1e12.
    pub evidence: f64,
}

/// A metric that a step up asks for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProgressState {
    /// Which.
    pub metric: MetricWord,
    /// It has shown what it must at this step.
    pub passed: bool,
    /// Evidence that the candidate is not too bad: 1 is none. At most 1e12.
    pub evidence: f64,
    /// The evidence that it takes.
    pub needed: f64,
    /// The primary's requests since the step began.
    pub primary: BadOf,
    /// The candidate's. Slow is judged by the margin for a step up.
    pub candidate: BadOf,
}

/// So many bad or slow ones of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BadOf {
    /// Bad or slow.
    pub bad: u64,
    /// All.
    pub n: u64,
}

/// What counts as slow, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlowLimits {
    /// A request of the primary: these are its own quantiles.
    pub primary_ms: Quantiles,
    /// A request of the candidate, by the margin that takes its traffic back.
    pub rollback_ms: Quantiles,
    /// A request of the candidate, by the margin that a step up asks for.
    pub promotion_ms: Quantiles,
}

/// A figure for each quantile of latency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Median.
    pub p50: f64,
    /// 95th percentile.
    pub p95: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// What was counted of a side. On a sticky route these are users, and each counts once a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SideUnits {
    /// Requests that the split gave to this side.
    pub units: u64,
    /// Those that failed there.
    pub errors: u64,
    /// Those slower than the limit for p50, of those whose time was compared.
    pub p50: BadOf,
    /// The same for p95.
    pub p95: BadOf,
    /// The same for p99.
    pub p99: BadOf,
}
