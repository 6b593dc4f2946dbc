//! The families of adapters as a scraper sees them.

use super::sample::{house, owning};
use super::tests::series;
use crate::stats::{Adapted, Direction};

const TEXT: &str = r#"
    [backends.old]
    endpoints = ["http://127.0.0.1:1"]
    [backends.new]
    endpoints = ["http://127.0.0.1:2"]
    [adapters.jobs.operations.submit]
    client = "POST /jobs"
    request = ".a"
    response = ".b"
    [adapters.jobs.operations.watch]
    client = "GET /jobs/{id}"
    response = ".c"
    stream = "event"
    [[routes]]
    name = "all"
    primary = "old"
    candidate = "new"
    adapters = { candidate = "jobs" }
"#;

#[test]
fn programs_are_told_and_what_never_happened_is_not() {
    let snapshot = owning(TEXT);
    let adapter = &snapshot.adapters[0];
    adapter.cells.of(1).unmatched.add(3);
    let submit = adapter.operation("submit").unwrap();
    for worker in [0, 1] {
        let cell = submit.cells.of(worker);
        cell.requests.add(5);
        cell.runs[Direction::Request as usize][Adapted::Ok as usize].add(4);
        cell.runs[Direction::Request as usize][Adapted::NotJson as usize].add(1);
        cell.time[Direction::Request as usize].add(250_000_000);
    }
    // There is no program for that, and something has come of it.
    let watch = adapter.operation("watch").unwrap();
    watch.cells.of(0).runs[Direction::Response as usize][Adapted::Coding as usize].add(1);
    let house = house();
    house.publisher.publish(snapshot);
    let all = series(&house.metrics().text().unwrap());
    let of_adapters = all
        .into_iter()
        .filter(|(name, _)| name.contains("adapter_"));
    let mut all: Vec<_> = of_adapters.collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let submit = r#"adapter="jobs",operation="submit""#;
    let watch = r#"adapter="jobs",operation="watch""#;
    let mut expected = vec![
        (format!("requests_total{{{submit}}}"), 10.0),
        (format!("requests_total{{{watch}}}"), 0.0),
        (
            format!(r#"runs_total{{{submit},direction="request",result="ok"}}"#),
            8.0,
        ),
        (
            format!(r#"runs_total{{{submit},direction="request",result="not_json"}}"#),
            2.0,
        ),
        (
            format!(r#"runs_total{{{submit},direction="response",result="ok"}}"#),
            0.0,
        ),
        (
            format!(r#"runs_total{{{watch},direction="event",result="ok"}}"#),
            0.0,
        ),
        (
            format!(r#"runs_total{{{watch},direction="response",result="ok"}}"#),
            0.0,
        ),
        (
            format!(r#"runs_total{{{watch},direction="response",result="coding"}}"#),
            1.0,
        ),
        (
            format!(r#"run_seconds_total{{{submit},direction="request"}}"#),
            0.5,
        ),
        (
            format!(r#"run_seconds_total{{{submit},direction="response"}}"#),
            0.0,
        ),
        (
            format!(r#"run_seconds_total{{{watch},direction="event"}}"#),
            0.0,
        ),
        (
            format!(r#"run_seconds_total{{{watch},direction="response"}}"#),
            0.0,
        ),
        (r#"unmatched_total{adapter="jobs"}"#.to_owned(), 3.0),
    ]
    .into_iter()
    .map(|(name, value)| (format!("figshift_adapter_{name}"), value))
    .collect::<Vec<_>>();
    expected.sort_by(|a, b| a.0.cmp(&b.0));
    assert_eq!(all, expected);
}

#[test]
fn without_adapters_there_is_nothing_of_them() {
    assert!(!house().metrics().text().unwrap().contains("adapter_"));
}
