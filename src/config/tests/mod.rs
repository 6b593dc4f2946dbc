//! Tests of the room as a whole: files in, problems out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)] // a test fails by panicking

mod admin;
mod examples;
mod injection;
mod interpolation;
mod noise;
mod scalars;
mod surroundings;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::{Config, EmptyEnv, Env, Problems, parse};

/// A file that is in order, to be broken.
pub(super) const GOOD: &str = r#"[listen]
http = "0.0.0.0:8080"

[backends.legacy]
endpoints = ["http://10.0.0.5:8000"]

[[routes]]
name = "all"
primary = "legacy"
"#;

/// An environment of the test's own.
#[derive(Default)]
pub(super) struct Fake {
    pub(super) vars: BTreeMap<&'static str, &'static str>,
    pub(super) files: BTreeMap<&'static str, &'static str>,
}

impl Env for Fake {
    fn var(&self, name: &str) -> Option<String> {
        self.vars.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &Path) -> io::Result<String> {
        let found = path.to_str().and_then(|path| self.files.get(path));
        let text = found.ok_or(io::ErrorKind::NotFound)?;
        Ok((*text).to_owned())
    }
}

pub(super) fn check(text: &str) -> Result<Config, Problems> {
    parse(text, "test.toml", &EmptyEnv)
}
