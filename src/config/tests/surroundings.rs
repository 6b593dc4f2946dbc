//! What stands around the checks: the schema, the display, restarts.

use super::{GOOD, check};
use crate::config::{Problem, Problems, keep_running_values, needs_restart, schema};

#[test]
fn problems_show_place_path_message_hint_and_count() {
    let problem = |line, path: &str, hint: Option<&str>| Problem {
        line,
        column: 3,
        path: path.to_owned(),
        message: "is wrong".to_owned(),
        hint: hint.map(str::to_owned),
    };
    let list = vec![
        problem(9, "b", None),
        problem(2, "a.b", Some("mend it")),
        problem(9, "b", None),
    ];
    let problems = Problems::new("f.toml", list);
    let expected =
        "f.toml:2:3: a.b: is wrong\n    hint: mend it\nf.toml:9:3: b: is wrong\n2 problems";
    assert_eq!(problems.to_string(), expected);
    let one = Problems::whole("f.toml", "is gone".to_owned(), "find it");
    assert_eq!(
        one.to_string(),
        "f.toml:1:1: is gone\n    hint: find it\n1 problem"
    );
}

#[test]
fn a_restart_is_asked_for_by_five_keys_only() {
    let running = check(GOOD).unwrap();
    let text = "state_dir = \"elsewhere\"\n".to_owned()
        + &GOOD.replace(
            "0.0.0.0:8080\"",
            "0.0.0.0:8081\"\nadmin = \"127.0.0.1:1\"\nworkers = 3\nidle = \"1s\"",
        )
        + "[admin]\nsocket = \"admin.sock\"\nhosts = [\"figshift\"]\n";
    let mut new = check(&text).unwrap();
    let keys = [
        "listen.http",
        "listen.admin",
        "listen.workers",
        "admin.socket",
        "state_dir",
    ];
    assert_eq!(needs_restart(&running, &new), keys);
    keep_running_values(&running, &mut new);
    assert!(needs_restart(&running, &new).is_empty());
    assert_ne!(new.listen.idle, running.listen.idle);
    assert_ne!(new.admin.hosts, running.admin.hosts);
}

#[test]
fn the_schema_closes_every_table_and_describes_every_key() {
    let schema = schema();
    let tables = schema["$defs"].as_object().unwrap().iter();
    for (name, table) in tables.chain([(&"Config".to_owned(), &schema)]) {
        let Some(properties) = table.get("properties") else {
            continue;
        };
        assert_eq!(table["additionalProperties"], false, "{name}");
        for (key, property) in properties.as_object().unwrap() {
            assert!(property.get("description").is_some(), "{name}.{key}");
        }
    }
}

/// A format without a parser would be checked by nobody.
#[test]
fn every_format_of_ours_has_a_parser() {
    fn walk(value: &serde_json::Value, seen: &mut usize) {
        if let Some(format) = value.get("format").and_then(|format| format.as_str())
            && format.starts_with("figshift-")
        {
            assert!(crate::config::scalar::reader(format).is_some(), "{format}");
            *seen += 1;
        }
        let list = value.as_array().into_iter().flatten();
        let table = value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(_, value)| value);
        list.chain(table).for_each(|value| walk(value, seen));
    }
    let mut seen = 0;
    walk(&schema(), &mut seen);
    assert!(seen >= 6);
}
