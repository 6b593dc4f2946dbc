//! The file that is in force.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ConfigStatus;

/// `GET /api/v1/config`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigText {
    /// Where the file is, as `serve` was told.
    pub file: String,
    /// What became of that file. Unless `applied`, the text below is that of an earlier one.
    pub status: ConfigStatus,
    /// The text in force, as it was written: `${...}` is not filled in, and in the place of a secret that
    /// somebody wrote into it stands `"redacted"`.
    pub text: String,
    /// Keys of the text whose new values wait for a restart.
    pub needs_restart: Vec<String>,
}
