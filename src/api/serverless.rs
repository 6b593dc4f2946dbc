//! A backend that is Vast.ai Serverless.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a Serverless backend stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerlessState {
    /// The name of its endpoint at Vast.ai.
    pub endpoint: String,
    /// The key that its engine is asked with.
    pub key: KeyState,
    /// Requests that wait for a worker.
    pub waiting: u32,
}

/// How the key of an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// There is one.
    Ready,
    /// None has been had yet: the log says why.
    Missing,
    /// The engine does not take the one there is; another one is fetched.
    Refused,
}
