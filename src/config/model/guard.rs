//! `[routes.guard]`: what counts as worse, and how sure one has to be of it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Duration, Part, Points};

/// `[routes.guard]`. Each has a default that suits most services.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Guard {
    /// Watch the candidate, if the route has one.
    pub enabled: bool,
    /// Only tell what would be done: take nothing back and hold no step up.
    pub dry_run: bool,
    /// What the candidate is measured by.
    pub compare: Compare,
    /// How likely it may be that a good candidate is taken back within `horizon`; "0.0001%" to "50%".
    #[schemars(extend("examples" = ["1%"]))]
    pub false_rollback: Part,
    /// How likely it may be that a candidate that is too bad passes a step; "0.0001%" to "50%".
    #[schemars(extend("examples" = ["5%"]))]
    pub false_promotion: Part,
    /// The time that `false_rollback` is meant for; at least "1m".
    #[schemars(extend("examples" = ["24h"]))]
    pub horizon: Duration,
    /// How many more of the candidate's requests may fail.
    pub errors: ErrorMargins,
    /// How much slower the candidate may be.
    pub latency: LatencyMargins,
    /// Nothing is taken back on fewer bad or slow requests of the candidate.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_bad: u64,
    /// No step up on fewer requests of the candidate at this step.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_requests: u64,
    /// Trouble that is over sooner is left to the breaker and the fallback; "0s" acts on any amount of evidence.
    #[schemars(extend("examples" = ["16s"]))]
    pub ride_out: Duration,
    /// On a sticky route a user counts once in this time, so that one unlucky user is no crowd.
    #[schemars(extend("examples" = ["30m"]))]
    pub session: Duration,
    /// Trouble found this soon after the percent was raised by hand or by the file undoes the raise instead of going to 0; "0s": off.
    #[schemars(extend("examples" = ["10m"]))]
    pub bake: Duration,
    /// A fixed limit of errors. It is watched at 100 %, where nothing is left to compare with, and always with `compare = "limit"`.
    pub limit: Limit,
}

/// What the candidate is measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Compare {
    /// By the primary's requests at the same time.
    #[default]
    Primary,
    /// By the fixed `limit` only.
    Limit,
}

/// `errors`: differences of the error rate, in percentage points.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ErrorMargins {
    /// Worse than the primary by more than this is taken back; less than "90pp".
    #[schemars(extend("examples" = ["0.1pp"]))]
    pub worse_by: Points,
    /// A step up needs to be shown worse by this at most; not less than `worse_by`.
    #[schemars(extend("examples" = ["0.5pp"]))]
    pub at_most: Points,
}

/// `latency`: how much longer requests take, as a percentage of the primary's time.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LatencyMargins {
    /// Slower than the primary by more than this is taken back; at most "1000%".
    #[schemars(extend("examples" = ["5%"]))]
    pub worse_by: Part,
    /// A step up needs to be shown slower by this at most; not less than `worse_by`.
    #[schemars(extend("examples" = ["10%"]))]
    pub at_most: Part,
    /// Where it is measured: "p95" is the time that 95 of 100 requests stay below. Empty: being slow is no reason.
    #[schemars(extend("examples" = [["p50", "p95", "p99"]]))]
    pub quantiles: Vec<Quantile>,
    /// Which of `quantiles` a step up asks for.
    #[schemars(extend("examples" = [["p95"]]))]
    pub promote_on: Vec<Quantile>,
}

/// The time that so many of 100 requests stay below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Quantile {
    /// Half of the requests.
    P50,
    /// 95 of 100.
    P95,
    /// 99 of 100.
    P99,
}

/// `limit`: an error rate that is too high whatever the primary's is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limit {
    /// The share of failed requests that may not be exceeded; above 0, below "100%".
    #[schemars(extend("examples" = ["5%"]))]
    pub errors: Part,
    /// The time over which requests are counted, "1s" to "1h".
    #[schemars(extend("examples" = ["60s"]))]
    pub window: Duration,
    /// With fewer requests in the window nothing is said.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub min_requests: u64,
    /// For how many seconds in a row it has to be exceeded.
    #[schemars(range(min = 1, max = 60))]
    pub in_a_row: u32,
    /// How it is found out.
    pub method: LimitMethod,
}

/// How it is found out that a limit is exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LimitMethod {
    /// The error rate of the last `window` is above it: easy to follow on a graph.
    #[default]
    Window,
    /// Evidence is collected as in the comparison with the primary, and chance is accounted for.
    Evidence,
}
