//! Broken files and what is said about them. Each block of `config_errors.txt` breaks one line of a
//! good file, and names the exact place, the key path, and parts of the message and of the hint.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use figshift::config::{EmptyEnv, parse};

const GOOD: &str = r#"state_dir = "state"
[listen]
http = "0.0.0.0:8080"
admin = "127.0.0.1:9901"
workers = 4
[log]
level = "info"
format = "auto"
[backends.legacy]
endpoints = ["http://10.0.0.5:8000"]
host = "preserve"
timeouts = { connect = "2s", head = "5m" }
pool = { idle = "60s", max_idle = 256 }
breaker = { statuses = ["502"], slow_start = "10s" }
health = { path = "/health", interval = "5s", timeout = "2s" }
[backends.vastai]
endpoints = [{ url = "http://203.0.113.10:40123", weight = 2 }]
[[routes]]
name = "chat"
match = { path = "/v1/*", methods = ["POST"] }
primary = "legacy"
candidate = "vastai"
percent = 10
sticky = ["header:x-user-id"]
fallback_on = ["502"]
replay_bytes = "64KiB"
[[routes]]
name = "rest"
primary = "legacy"
[admin]
token = "0123456789abcdef"
hosts = ["figshift.internal"]
"#;

/// One block of the table.
struct Row<'t> {
    line: &'t str,
    becomes: String,
    at: &'t str,
    message: &'t str,
    hint: &'t str,
}

fn rows() -> Vec<Row<'static>> {
    let blocks = include_str!("config_errors.txt")
        .split("\n\n")
        .map(str::trim);
    let blocks = blocks.filter(|block| !block.is_empty() && !block.starts_with("# "));
    let field = |block: &'static str, name: &str| {
        let mut fields = block.lines().filter_map(|line| line.split_once(':'));
        let found = fields.find(|(key, _)| *key == name);
        found
            .unwrap_or_else(|| panic!("no `{name}` in:\n{block}"))
            .1
            .trim()
    };
    let row = |block| Row {
        line: field(block, "line"),
        becomes: field(block, "becomes").replace("\\n", "\n"),
        at: field(block, "at"),
        message: field(block, "message"),
        hint: field(block, "hint"),
    };
    blocks.map(row).collect()
}

/// What differs from the row, if anything does.
fn difference(row: &Row<'_>) -> Option<String> {
    let line = format!("{}\n", row.line);
    assert!(GOOD.contains(&line), "no such line: {}", row.line);
    let text = GOOD.replacen(&line, &format!("{}\n", row.becomes), 1);
    let problems = match parse(&text, "test.toml", &EmptyEnv) {
        Ok(_) => return Some(format!("taken: {}", row.becomes)),
        Err(problems) => problems,
    };
    let as_meant = match problems.list.as_slice() {
        [problem] => {
            let at = format!("{}:{} {}", problem.line, problem.column, problem.path);
            let hint = problem.hint.as_deref().unwrap_or("");
            at.trim() == row.at && problem.message.contains(row.message) && hint.contains(row.hint)
        }
        _ => false,
    };
    (!as_meant).then(|| format!("{}\nmeant: {}\n{problems}", row.becomes, row.at))
}

#[test]
fn every_slip_is_told_at_its_place_with_its_remedy() {
    let rows = rows();
    assert!(rows.len() >= 100, "only {} rows", rows.len());
    let differences: Vec<String> = rows.iter().filter_map(difference).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
    assert!(rows.iter().all(|row| !row.hint.is_empty()));
}

#[test]
fn the_good_file_is_good() {
    if let Err(problems) = parse(GOOD, "good.toml", &EmptyEnv) {
        panic!("{problems}");
    }
}

/// One file with problems of every kind: none hides another.
#[test]
fn all_at_once() {
    let text = r#"[listen]
http = "8080"
wrokers = 4
[backends.legacy]
endpoints = ["ftp://10.0.0.5"]
timeouts = { connect = 2 }
[backends.vastai]
endpoints = []
pool = 5
[[routes]]
name = "chat"
primary = "legcay"
candidate = "vastai"
percent = 110
[[routes]]
name = "chat"
primary = "vastai"
salt = "${NOPE}"
"#;
    let problems = parse(text, "figshift.toml", &EmptyEnv).unwrap_err();
    let lines: Vec<usize> = problems.list.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, [2, 3, 5, 6, 9, 12, 14, 15, 16, 18], "{problems}");
    assert!(problems.to_string().ends_with("10 problems"));
}

/// The same for a route's guard, ramp and flag: requirements that belong together are judged together.
#[test]
fn all_of_a_ramp_at_once() {
    let tables = r#"[routes.guard]
false_rollback = "60%"
errors = { worse_by = "0.1%", at_most = "95pp" }
latency = { worse_by = "20%", at_most = "10%", promote_on = ["p50", "p50"] }
compare = "limit"
[routes.ramp]
steps = [0, 100]
hold_back = 100
min_step = "2h"
schedule = { days = [], from = "24:00", zone = "Berlin" }
gate = { url = "gate", every = "1ms" }
[routes.flag]
url = "ftp://a"
key = ""
"#;
    let text = GOOD.replacen(
        "[[routes]]\nname = \"rest\"",
        &format!("{tables}[[routes]]\nname = \"rest\""),
        1,
    );
    let problems = parse(&text, "test.toml", &EmptyEnv).unwrap_err();
    let found: Vec<_> = problems
        .list
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    let meant = [
        "guard.false_rollback",
        "guard.errors.worse_by",
        "guard.errors.at_most",
        "guard.latency.worse_by",
        "guard.latency.promote_on[1]",
        "guard.compare",
        "ramp.steps[0]",
        "ramp.hold_back",
        "ramp.min_step",
        "ramp.schedule.days",
        "ramp.schedule.from",
        "ramp.schedule.zone",
        "ramp.gate.url",
        "ramp.gate.every",
        "flag",
        "flag.url",
        "flag.key",
    ];
    assert_eq!(
        found,
        meant.map(|path| format!("routes[0].{path}")),
        "{problems}"
    );
}

/// A password in a URL is not repeated in the problem that it causes.
#[test]
fn a_url_is_not_quoted() {
    let line = "fallback_on = [\"502\"]\n";
    let flag = "flag = { url = \"https://me:hunter2@a\", key = \"k\" }\n";
    let text = GOOD.replacen(line, flag, 1);
    let problems = parse(&text, "test.toml", &EmptyEnv).unwrap_err();
    assert!(problems.to_string().contains("user name"), "{problems}");
    assert!(!problems.to_string().contains("hunter2"), "{problems}");
}

/// A broken match must not make the routes below look unreachable, nor a lost table its backends unknown.
#[test]
fn one_slip_is_one_problem() {
    let slips = [
        (
            "match = { path = \"/v1/*\", methods = [\"POST\"] }",
            "match = { pth = \"/v1/*\" }",
        ),
        (
            "match = { path = \"/v1/*\", methods = [\"POST\"] }",
            "match = 5",
        ),
        (
            "[backends.vastai]\nendpoints",
            "[backends.vastai]\nendpoint",
        ),
        (
            "[[routes]]\nname = \"rest\"\nprimary",
            "[[routes]]\nname = \"rest\"\nprimry",
        ),
    ];
    for (old, new) in slips {
        let text = GOOD.replacen(old, new, 1);
        assert_ne!(text, GOOD);
        let problems = parse(&text, "test.toml", &EmptyEnv).unwrap_err();
        assert!(problems.list.len() <= 2, "{problems}");
        let first = problems.list[0].line;
        assert!(
            problems
                .list
                .iter()
                .all(|problem| problem.line.abs_diff(first) <= 2),
            "{problems}"
        );
    }
    let empty = parse("", "test.toml", &EmptyEnv).unwrap_err();
    let paths: Vec<&str> = empty
        .list
        .iter()
        .map(|problem| problem.path.as_str())
        .collect();
    assert_eq!(paths, ["backends", "listen", "routes"], "{empty}");
}
