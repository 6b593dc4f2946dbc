//! `[backends.NAME.budget]`.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::Dollars;

/// `[backends.NAME.budget]`: what a backend may cost before no percent of a route with this candidate rises any more. Traffic that it has stays.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Dollars in any 60 minutes.
    #[schemars(extend("examples" = [5.0]))]
    pub per_hour: Option<Dollars>,
    /// Dollars in any 24 hours.
    #[schemars(extend("examples" = [80.0]))]
    pub per_day: Option<Dollars>,
}
