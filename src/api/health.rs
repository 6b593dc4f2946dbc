//! `/health` and `/readyz`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{BackendCost, DiscoveryState, ServerlessState};

/// `GET /health`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Health {
    /// The worst that is true.
    pub status: HouseStatus,
    /// Why it is not `ok`, each in a few words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
    /// Number of the state in force; it rises with each change.
    pub epoch: u64,
    /// Where the configuration stands.
    pub config: ConfigHealth,
    /// By name.
    pub routes: BTreeMap<String, RouteHealth>,
    /// The backends, by name.
    pub services: BTreeMap<String, ServiceHealth>,
}

/// The house as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HouseStatus {
    /// All is as configured.
    Ok,
    /// Everything is served, but a backend that has a share is not wholly up, the file is not in force,
    /// the endpoints of a backend could not be looked for for too long, a kill switch or the guard holds a share back, or the journal cannot be written.
    Degraded,
    /// Some route cannot be served at all.
    Down,
}

/// Where the configuration stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigHealth {
    /// What became of the file.
    pub status: ConfigStatus,
    /// When the configuration in force was applied: RFC 3339, UTC, whole seconds.
    pub applied_at: String,
    /// What is wrong with the file, one problem a line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// Keys whose new values wait for a restart.
    pub needs_restart: Vec<String>,
}

/// What became of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigStatus {
    /// It is in force.
    Applied,
    /// It is broken; what was in force before still is.
    Refused,
    /// It was broken at the start; the last good one is in force.
    LastGood,
}

/// A route.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RouteHealth {
    /// Whether some side can take a request.
    pub can_serve: bool,
    /// Share of the candidate in the file, 0 to 100.
    pub percent_configured: f64,
    /// Share of the candidate by what is in force: the ramp's, an operator's, a flag's or the file's, less what
    /// a kill switch or the guard takes away.
    pub percent_in_force: f64,
    /// Whether a kill switch is on.
    pub killed: bool,
    /// Whether the guard holds traffic back.
    pub held: bool,
    /// Why that is in force, the strongest first.
    pub why: String,
    /// Share of the candidate in the present state of the endpoints, 0 to 100.
    pub percent_effective: f64,
    /// The backend that serves the rest.
    pub primary: String,
    /// The backend that gets the share, if there is one.
    pub candidate: Option<String>,
}

/// A backend.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceHealth {
    /// Judged by its endpoints.
    pub status: ServiceStatus,
    /// False while a kill switch is on for every route that has it as candidate.
    pub enabled: bool,
    /// Its present share of each route that names it, 0 to 100.
    pub percent: BTreeMap<String, f64>,
    /// In the order of the file, or of their names where they are learned.
    pub endpoints: Vec<EndpointHealth>,
    /// Tries that ended in the last minute, those left out that the client gave up.
    pub requests: u64,
    /// The part of them for which the backend is to blame, 0 to 1.
    pub error_rate: Option<f64>,
    /// Median time to the end of the response in the last minute, in milliseconds.
    pub p50_ms: Option<f64>,
    /// 95th percentile of the same, in milliseconds.
    pub p95_ms: Option<f64>,
    /// How the look for its endpoints stands, where they are learned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discovery: Option<DiscoveryState>,
    /// How it stands with Vast.ai Serverless, if it is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serverless: Option<ServerlessState>,
    /// What it costs, where it has a price or a budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<BackendCost>,
}

/// A backend, judged by its endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServiceStatus {
    /// All take their share.
    Up,
    /// Some do not.
    Degraded,
    /// None can take a request.
    Down,
    /// There are none.
    Empty,
}

/// An endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointHealth {
    /// What it is called in metrics: its URL, or what its source calls it.
    #[serde(default)]
    pub key: String,
    /// `http://host:port`.
    pub url: String,
    /// State of its breaker.
    pub breaker: BreakerState,
    /// By the active health checks; true where there are none.
    pub healthy: bool,
    /// Whether it has answered what it must before it gets traffic; true where nothing is asked.
    #[serde(default = "yes")]
    pub proven: bool,
    /// Tries on their way.
    pub in_flight: u64,
}

fn yes() -> bool {
    true
}

/// What a breaker lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BreakerState {
    /// Everything.
    Closed,
    /// Nothing.
    Open,
    /// One probe at a time.
    Probing,
    /// A rising share.
    Warming,
}

/// `GET /readyz?verbose`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Readiness {
    /// Whether every route can be served, and the house is not ending.
    pub ready: bool,
    /// It was told to end: it still serves, and wants no more traffic.
    #[serde(default)]
    pub ending: bool,
    /// Number of the state in force; 0 before the first configuration.
    pub epoch: u64,
    /// By name.
    pub routes: BTreeMap<String, RouteReadiness>,
}

/// Whether the sides of a route can take a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RouteReadiness {
    /// Some side that may serve can; a candidate at 0 % may not.
    pub ready: bool,
    /// The primary can.
    pub primary: bool,
    /// The candidate can; `None` where there is none.
    pub candidate: Option<bool>,
}
