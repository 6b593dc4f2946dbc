//! Addresses that were discovered, as the compiler takes them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was found last, by backend: those that learn their endpoints.
pub type Addresses = BTreeMap<String, Vec<Address>>;

/// Where an endpoint is that was discovered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// What its source calls it, whatever its address: `vastai:41000101`, or its URL.
    pub key: String,
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    /// Relative share, 1 to 1000.
    pub weight: u32,
}
