//! Programs that are accepted, on bodies that are made to hurt: each run ends, and in what it ends is
//! known. They run on threads as any, with 2 MiB of stack.

mod growth;
mod limits;
mod size;

use std::time::Duration;

use super::meter::Limits;
use super::{Fault, Filter, Val};

const LIMITS: Limits = Limits {
    time: Duration::from_secs(120),
    steps: 300_000,
    bytes: 4 << 20,
};

fn run(program: &str, body: &[u8]) -> String {
    let filter = Filter::compile(program, &[]).unwrap_or_else(|refused| {
        panic!("{program}: {refused}");
    });
    match Val::parse(body).and_then(|body| filter.run_many(body, &[], &LIMITS, 1_000)) {
        Ok(_) => "ok".to_owned(),
        Err(fault) => fault.label().to_owned(),
    }
}

fn check(rows: &[(&str, &str, &[&str])]) {
    let mut wrong = String::new();
    for (program, body, ends) in rows {
        let end = run(program, &made(body));
        if !ends.contains(&end.as_str()) {
            wrong += &format!("{program} of {body}: {end}, not {ends:?}\n");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Bodies by name; others stand for themselves.
fn made(body: &str) -> Vec<u8> {
    let long = |item: &str, times: usize| format!("[{}]", vec![item; times].join(","));
    let made = match body {
        "text" => format!("\"{}\"", "a".repeat(1 << 20)),
        "accents" => format!("\"{}\"", "é".repeat(1 << 19)),
        "commas" => format!("\"{}\"", ",".repeat(1 << 20)),
        "numbers" => long("1", 100_000),
        "texts" => long("\"abc\"", 50_000),
        "objects" => long("{\"a\":1,\"b\":[1,2]}", 20_000),
        "deep" => format!("{}{}", "[".repeat(120), "]".repeat(120)),
        "deeper" => format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)),
        "deep object" => format!("{}1{}", "{\"a\":".repeat(120), "}".repeat(120)),
        "keys" => {
            let pair = |at: u32| format!("\"k{at}\":{at}");
            format!(
                "{{{}}}",
                (0..20_000).map(pair).collect::<Vec<_>>().join(",")
            )
        }
        "hundred" => long("1", 100),
        "wide and deep" => {
            let inner = long("[[[1,2],[3]],[]]", 1_000);
            format!("{}{inner}{}", "[".repeat(100), "]".repeat(100))
        }
        other => other.to_owned(),
    };
    made.into_bytes()
}

const OK: &[&str] = &["ok"];
const MUCH: &[&str] = &["too_much"];
const FAILED: &[&str] = &["failed"];
const DEEP: &[&str] = &["too_deep"];
const JSON: &[&str] = &["not_json"];
