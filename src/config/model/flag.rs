//! `[routes.flag]`: a percent that somebody else keeps.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::config::scalar::{Duration, Percent, Secret};

/// `[routes.flag]`: the percent is read from an OpenFeature remote evaluation (OFREP) endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flag {
    /// Where the flags are, `http://` or `https://`; `/ofrep/v1/evaluate/flags/KEY` is appended.
    #[schemars(extend("examples" = ["http://flagd.internal:8016"]))]
    pub url: String,
    /// The flag's key. Its value is a number from 0 to 100.
    #[schemars(extend("examples" = ["vastai-percent"]))]
    pub key: String,
    /// How often it is read; at least "1s".
    #[serde(default = "Flag::default_every")]
    pub every: Duration,
    /// No answer within this time is none.
    #[serde(default = "Flag::default_timeout")]
    pub timeout: Duration,
    /// No more than this, whatever the flag says.
    #[serde(default = "Flag::default_max")]
    pub max: Percent,
    /// Without an answer for this long the flag is called stale. The last value stays.
    #[serde(default = "Flag::default_stale_after")]
    pub stale_after: Duration,
    /// Sent as `Authorization: Bearer`; empty: nothing is sent.
    pub token: Option<Secret>,
}
