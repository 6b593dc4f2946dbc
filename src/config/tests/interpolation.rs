//! `${...}`: what it fills in, what it refuses, and that a secret stays one.

use super::{Fake, GOOD};
use crate::config::scalar::Percent;
use crate::config::{Config, Problems, parse};

fn with(line: &str, env: &Fake) -> Result<Config, Problems> {
    parse(&format!("{GOOD}{line}\n"), "test.toml", env)
}

fn salt(value: &str, env: &Fake) -> String {
    let config = with(&format!("salt = '{value}'"), env).unwrap();
    config.routes[0].salt.clone().unwrap()
}

#[test]
fn fills_in_variables_defaults_and_files() {
    let mut env = Fake::default();
    env.vars.insert("NAME", "blue");
    env.vars.insert("EMPTY", "");
    env.files.insert("/run/key", "s3cret\n");
    env.files.insert("/run/two", "line\r\n\n");
    assert_eq!(salt("${NAME}", &env), "blue");
    assert_eq!(salt("a-${NAME}-${NAME}-b", &env), "a-blue-blue-b");
    assert_eq!(salt("${NONE:-red}", &env), "red");
    assert_eq!(salt("${EMPTY:-red}", &env), "red");
    assert_eq!(salt("x${EMPTY}", &env), "x");
    assert_eq!(salt("x${NONE:-}", &env), "x");
    assert_eq!(salt("${NAME:-red}", &env), "blue");
    assert_eq!(salt("${file:/run/key}", &env), "s3cret");
    assert_eq!(salt("${file:/run/two}", &env), "line\r\n");
    assert_eq!(salt("$${NAME} $NAME $$", &env), "${NAME} $NAME $$");
}

#[test]
fn what_is_filled_in_is_not_filled_in_again() {
    let mut env = Fake::default();
    env.vars.insert("A", "${B}");
    env.vars.insert("B", "never");
    assert_eq!(salt("${A}", &env), "${B}");
}

#[test]
fn a_value_cannot_inject_toml() {
    let mut env = Fake::default();
    env.vars
        .insert("A", "x\"\nidempotent = true\n[log]\nlevel = \"trace\"");
    let config = with("salt = \"${A}\"", &env).unwrap();
    assert!(!config.routes[0].idempotent);
    assert_eq!(config.log.level, None);
}

#[test]
fn numbers_and_booleans_can_come_from_outside() {
    let mut env = Fake::default();
    env.vars.insert("P", "12.5");
    env.vars.insert("YES", "true");
    env.vars.insert("W", "3");
    let text = GOOD.replace("[listen]", "[listen]\nworkers = \"${W}\"")
        + "percent = \"${P}\"\ncandidate = \"b\"\nidempotent = \"${YES}\"\n[backends.b]\nendpoints = []\n";
    let config = parse(&text, "test.toml", &env).unwrap();
    assert_eq!(config.routes[0].percent, Percent::from_hundredths(1250));
    assert!(config.routes[0].idempotent);
    assert_eq!(config.listen.workers, Some(3));
    // Written by hand it stays an error: the quotes are a slip.
    assert!(with("idempotent = \"true\"", &env).is_err());
}

#[test]
fn gaps_are_told_with_place_and_remedy() {
    let env = Fake::default();
    let rows = [
        ("salt = \"${NOPE}\"", "`NOPE` is not set", "${NOPE:-...}"),
        ("salt = \"${NOPE\"", "never closed", "close it"),
        (
            "salt = \"${no pe}\"",
            "not the name of a variable",
            "${file:/path}",
        ),
        ("salt = \"${}\"", "not the name of a variable", "${NAME}"),
        (
            "salt = \"${file:/none}\"",
            "cannot read the file `/none`",
            "readable text file",
        ),
        ("salt = \"${file:}\"", "names no file", "readable text file"),
    ];
    for (line, message, hint) in rows {
        let problems = with(line, &env).unwrap_err();
        assert_eq!(problems.list.len(), 1, "{problems}");
        let problem = &problems.list[0];
        assert_eq!((problem.line, problem.column), (10, 8), "{problem:?}");
        assert_eq!(problem.path, "routes[0].salt");
        assert!(problem.message.contains(message), "{problem:?}");
        assert!(
            problem.hint.as_deref().unwrap().contains(hint),
            "{problem:?}"
        );
    }
}

#[test]
fn a_gap_hides_no_other_problem() {
    let env = Fake::default();
    let problems = with(
        "percent = \"${NOPE}\"\nsalt = \"\"\ncandidate = \"x\"",
        &env,
    )
    .unwrap_err();
    assert_eq!(problems.list.len(), 3, "{problems}");
}

/// Puts a secret into every place that takes a string, all of them wrong, and looks for it.
#[test]
fn a_secret_never_shows_in_a_problem() {
    let mut env = Fake::default();
    env.vars.insert("S", "hunter2 @@");
    let text = r#"
state_dir = ""
[listen]
http = "${S}"
admin = "${S}"
workers = "${S}"
trusted = ["${S}"]
idle = "${S}"
[admin]
token = "${S}"
hosts = ["${S}"]
[log]
level = "${S}"
format = "${S}"
[backends.legacy]
endpoints = ["${S}", { url = "http://${S}", weight = "${S}" }, "http://${S}"]
host = "${S}"
breaker.statuses = ["${S}"]
pool.max_idle = "${S}"
[backends.legacy.health]
path = "${S}"
interval = "${S}"
[[routes]]
name = "${S}"
primary = "${S}"
candidate = "${S}"
percent = "${S}"
sticky = ["${S}", "header:${S}"]
fallback_on = ["${S}"]
replay_bytes = "${S}"
idempotent = "${S}"
match = { host = "${S}", path = "${S}", methods = ["${S}"], headers = { x = "${S} " } }
"#;
    let problems = parse(text, "test.toml", &env).unwrap_err();
    let shown = problems.to_string();
    assert!(problems.list.len() > 20, "{shown}");
    assert!(!shown.to_lowercase().contains("hunter2"), "{shown}");
    assert!(!shown.contains("@@"), "{shown}");
    assert!(shown.contains("${S}"));
}
