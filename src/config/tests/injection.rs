//! What comes in from outside ends up in headers and request lines, and must not end them.

use super::{Fake, GOOD};
use crate::config::parse;

/// Each key whose text is sent to somebody: its name, its table, its line.
const SENT: [(&str, &str, &str); 14] = [
    ("host", "backends.b", "host = \"a${EVIL}\""),
    (
        "health.path",
        "backends.b",
        "health = { path = \"/${EVIL}\" }",
    ),
    (
        "endpoints[0]",
        "backends.b",
        "endpoints = [\"http://a${EVIL}\"]",
    ),
    (
        "endpoints[0]",
        "backends.b",
        "endpoints = [\"http://a:80${EVIL}\"]",
    ),
    (
        "endpoints[0].url",
        "backends.b",
        "endpoints = [{ url = \"http://a${EVIL}\" }]",
    ),
    (
        "ramp.gate.url",
        "routes.ramp.gate",
        "url = \"http://a/${EVIL}\"",
    ),
    (
        "ramp.gate.token",
        "routes.ramp.gate",
        "url = \"http://a/\"\ntoken = \"${EVIL}\"",
    ),
    (
        "flag.url",
        "routes.flag",
        "key = \"k\"\nurl = \"http://a/${EVIL}\"",
    ),
    (
        "flag.key",
        "routes.flag",
        "url = \"http://a/\"\nkey = \"k${EVIL}\"",
    ),
    (
        "flag.token",
        "routes.flag",
        "url = \"http://a/\"\nkey = \"k\"\ntoken = \"${EVIL}\"",
    ),
    (
        "operations.o.backend",
        "adapters.a.operations.o",
        "client = \"GET /a\"\nbackend = \"GET /b${EVIL}\"",
    ),
    (
        "operations.o.backend",
        "adapters.a.operations.o",
        "client = \"GET /a\"\nbackend = \"GET /b?c=${EVIL}\"",
    ),
    (
        "headers.set.x-b",
        "adapters.a.operations.o",
        "client = \"GET /a\"\nheaders.set.x-b = \"b${EVIL}\"",
    ),
    (
        "response_headers.set.x-b",
        "adapters.a.operations.o",
        "client = \"GET /a\"\nresponse_headers.set.x-b = \"b${EVIL}\"",
    ),
];

fn problems(table: &str, line: &str, evil: &'static str) -> Option<String> {
    let mut env = Fake::default();
    env.vars.insert("EVIL", evil);
    let ramp = if table.starts_with("routes.ramp") {
        "[routes.ramp]\nsteps = [1, 100]\n"
    } else {
        ""
    };
    let percent = if table.starts_with("routes.flag") {
        ""
    } else {
        "percent = 0\n"
    };
    let endpoints = if line.contains("endpoints") || table != "backends.b" {
        ""
    } else {
        "endpoints = []\n"
    };
    let other = if table == "backends.b" {
        ""
    } else {
        "[backends.b]\nendpoints = []\n"
    };
    let text =
        format!("{GOOD}candidate = \"b\"\n{percent}{ramp}[{table}]\n{endpoints}{line}\n{other}");
    parse(&text, "test.toml", &env)
        .err()
        .map(|problems| problems.to_string())
}

#[test]
fn line_ends_from_outside_never_reach_a_header() {
    for (key, table, line) in SENT {
        assert_eq!(problems(table, line, ""), None, "{line} is good without it");
        for evil in [
            "\r\nX-Evil: 1",
            "\nX-Evil: 1",
            "\r",
            "\0",
            "\u{b}",
            "\u{7f}",
            " HTTP/1.1\r\n",
        ] {
            let told = problems(table, line, evil);
            let told = told.unwrap_or_else(|| panic!("{line} takes {evil:?}"));
            assert!(told.contains(key), "{line} with {evil:?}: {told}");
            assert!(!told.contains("X-Evil"), "{told}");
        }
    }
}
