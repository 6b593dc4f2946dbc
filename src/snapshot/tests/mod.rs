//! Tests of the way from a file to the answer of the router.

mod compile;
mod router;

use crate::config::{Config, EmptyEnv, parse};

/// A file with two backends and the given routes.
pub(super) fn config(backends: &str, routes: &str) -> Config {
    let text = format!("[listen]\nhttp = \"127.0.0.1:8080\"\n{backends}\n{routes}");
    parse(&text, "test.toml", &EmptyEnv).unwrap()
}
