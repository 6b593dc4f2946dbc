//! Everything that `figshift status` shows.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConfigHealth, FlagState, GuardState, HouseStatus, RampState, ServiceHealth, SideCost};

/// `GET /api/v1/state`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct State {
    /// The worst that is true.
    pub status: HouseStatus,
    /// Why it is not `ok`, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// How far the migration has come, by what is in force.
    pub phase: Phase,
    /// Of figshift.
    pub version: String,
    /// Number of the state in force, for `if_epoch`.
    pub epoch: u64,
    /// Where the configuration stands.
    pub config: ConfigHealth,
    /// Whether the last transition was written down.
    pub journal_sound: bool,
    /// In the order of the file.
    pub routes: Vec<RouteState>,
    /// The backends, by name.
    pub backends: BTreeMap<String, ServiceHealth>,
}

/// How far the migration has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No candidate gets anything yet.
    Legacy,
    /// Some candidate gets a share.
    Shift,
    /// Each candidate gets everything.
    Moved,
    /// No candidate gets anything, since a kill switch is on for it or the guard holds it back.
    RolledBack,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteState {
    /// As in the file.
    pub name: String,
    /// Whether some side can take a request.
    pub can_serve: bool,
    /// Share of the candidate in the file, 0 to 100.
    pub percent_configured: f64,
    /// Share of the candidate by what is in force.
    pub percent_in_force: f64,
    /// Share of the candidate in the present state of the endpoints.
    pub percent_effective: f64,
    /// Whether a kill switch is on.
    pub killed: bool,
    /// Whether the guard holds traffic back.
    pub held: bool,
    /// Whether the budget of the candidate is used up, so that the percent does not rise. That is as it is meant, and
    /// takes nothing away.
    #[serde(default)]
    pub over_budget: bool,
    /// How the budget stands now that keeps the percent from rising, and when that ends. When and why it began is in
    /// the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_now: Option<String>,
    /// What 1000 good requests cost on the candidate for each dollar that they cost on the primary, in the last
    /// five minutes; absent unless both are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost_ratio: Option<f64>,
    /// What is in force and what it overrides, the strongest first, the file last.
    pub chain: Vec<Link>,
    /// The chain as one line.
    pub why: String,
    /// The legacy side.
    pub primary: SideState,
    /// The new side.
    pub candidate: Option<SideState>,
    /// What the guard knows of it; absent without a candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<GuardState>,
    /// Its ramp, if the file has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<RampState>,
    /// The feature flag, if one keeps the percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flag: Option<FlagState>,
}

/// One link of the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// A cap: `disabled` (VASTAI_ENABLED=false), `kill_file`, `rollback` (of all routes), `route_rollback`,
    /// `guard_hold` (what the guard leaves), `budget` (what it was when the candidate's budget was used up); or a wish, of which the first counts: `ramp`, `shift`, `flag`,
    /// `file`.
    pub what: String,
    /// What it asks for or leaves, 0 to 100.
    pub percent: f64,
    /// Who set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When: RFC 3339, UTC, whole seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Why, if they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One side of a route, with its figures of the last minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideState {
    /// Who serves.
    pub backend: String,
    /// Its share by what is in force, 0 to 100.
    pub percent: f64,
    /// Tries that ended in the last minute, those left out that the client gave up.
    pub requests: u64,
    /// The part of them for which the backend is to blame, 0 to 1.
    pub error_rate: Option<f64>,
    /// Median time to the end of the response, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 95th percentile of the same, in milliseconds.
    pub p95_ms: Option<f64>,
    /// What it costs, where its backend has a price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<SideCost>,
}
