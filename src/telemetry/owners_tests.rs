//! The families of ownership as a scraper sees them.

use super::sample::{house, learn, owning};
use super::tests::{passes_promtool, series};
use crate::snapshot::Snapshot;
use crate::stats::{Looked, Made};

const TEXT: &str = r#"
    [backends.old]
    endpoints = ["http://127.0.0.1:1"]
    [backends.new]
    endpoints = ["http://127.0.0.1:2"]
    [[routes]]
    name = "all"
    primary = "old"
    candidate = "new"
    [[ownership]]
    name = "jobs"
    create = ["POST /jobs"]
    use = ["/jobs/{id}"]
"#;

fn told(snapshot: Snapshot) -> std::collections::BTreeMap<String, f64> {
    let house = house();
    house.publisher.publish(snapshot);
    series(&house.metrics().text().unwrap())
}

#[test]
fn without_rules_there_is_nothing_of_it() {
    let text = house().metrics().text().unwrap();
    for name in ["ownership_", "owners_", "drain_state"] {
        assert!(!text.contains(name), "{name}");
    }
}

#[test]
fn entries_counts_and_states_are_told() {
    let snapshot = owning(TEXT);
    let now = super::Survey::of(&snapshot.owners).now;
    for (id, backend, at) in [
        ("1", "new", now - 50),
        ("2", "new", now),
        ("3", "gone", now),
    ] {
        learn(&snapshot, "jobs", id, backend, at);
    }
    assert!(snapshot.owners.finish("jobs", b"2", now));
    let cells = &snapshot.ownership[0].cells;
    for worker in [0, 1] {
        let cell = cells.of(worker);
        cell.looked[Looked::AtCandidate as usize].add(2);
        cell.made[Made::NoId as usize].add(3);
        cell.asked.add(4);
        cell.done.add(5);
    }
    let behind = snapshot.owners.health().behind as f64;
    let all = told(snapshot);
    for (name, value) in [
        (
            r#"ownership_entries{rule="jobs",backend="new",state="live"}"#,
            1.0,
        ),
        (
            r#"ownership_entries{rule="jobs",backend="new",state="done"}"#,
            1.0,
        ),
        (
            r#"ownership_entries{rule="jobs",backend="old",state="live"}"#,
            0.0,
        ),
        (
            r#"ownership_entries{rule="jobs",backend="gone",state="live"}"#,
            1.0,
        ),
        (
            r#"ownership_oldest_live_timestamp_seconds{rule="jobs",backend="new"}"#,
            f64::from(now - 50),
        ),
        (
            r#"ownership_lookups_total{rule="jobs",result="found_candidate"}"#,
            4.0,
        ),
        (r#"ownership_lookups_total{rule="jobs",result="gone"}"#, 0.0),
        (
            r#"ownership_created_total{rule="jobs",result="no_id"}"#,
            6.0,
        ),
        (r#"ownership_probes_total{rule="jobs"}"#, 8.0),
        (r#"ownership_done_total{rule="jobs"}"#, 10.0),
        ("owners_entries", 3.0),
        ("owners_capacity", 16.0),
        ("owners_since_timestamp_seconds", 0.0),
        (r#"owners_evicted_total{state="live"}"#, 0.0),
        (r#"owners_evicted_total{state="done"}"#, 0.0),
        ("owners_refused_total", 0.0),
        ("owners_write_errors_total", 0.0),
        ("owners_waiting", behind),
        ("owners_on_disk", 0.0),
        ("owners_blind_until_timestamp_seconds", 0.0),
        (r#"drain_state{backend="old",state="serving"}"#, 1.0),
        (r#"drain_state{backend="old",state="drained"}"#, 0.0),
        (r#"drain_state{backend="new",state="draining"}"#, 1.0),
        (r#"drain_state{backend="gone",state="draining"}"#, 1.0),
    ] {
        assert_eq!(all.get(&format!("figshift_{name}")), Some(&value), "{name}");
    }
    let absent = r#"figshift_ownership_oldest_live_timestamp_seconds{rule="jobs",backend="old"}"#;
    assert!(!all.contains_key(absent));
}

#[test]
#[ignore = "runs promtool"]
fn promtool_has_no_complaint() {
    let house = house();
    let adapters = "[adapters.a.operations.b]\nclient = \"GET /b\"\nresponse = \".\"\n";
    let snapshot = owning(&format!("{TEXT}{adapters}"));
    learn(
        &snapshot,
        "jobs",
        "1",
        "new",
        super::Survey::of(&snapshot.owners).now,
    );
    house.publisher.publish(snapshot);
    let text = house.metrics().text().unwrap();
    assert!(text.contains("figshift_adapter_runs_total{"));
    assert!(text.contains("figshift_drain_state{"));
    passes_promtool(&text);
}

#[test]
fn what_was_evicted_and_refused_is_told() {
    let snapshot = owning(TEXT);
    let now = super::Survey::of(&snapshot.owners).now;
    for id in 0..20 {
        learn(&snapshot, "jobs", &id.to_string(), "new", now);
    }
    learn(&snapshot, "jobs", &"x".repeat(257), "new", now);
    let health = snapshot.owners.health();
    let all = told(snapshot);
    assert!(health.evicted_live > 0 && health.refused > 0, "{health:?}");
    let live = all[r#"figshift_owners_evicted_total{state="live"}"#];
    assert_eq!(live, health.evicted_live as f64);
    assert_eq!(all["figshift_owners_refused_total"], health.refused as f64);
    let blind = all["figshift_owners_blind_until_timestamp_seconds"];
    assert!(blind > f64::from(now));
}
