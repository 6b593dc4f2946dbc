//! The families as a scraper sees them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::guard_tests::find_everything;
use super::sample::{WORKERS, force, house, snapshot};
use crate::control::{FlagSight, FlagSights, Outcome, Standing};
use crate::stats::{Class, Fault, Reason, SideCell};

/// Values by series.
pub(super) fn series(text: &str) -> BTreeMap<String, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut all = BTreeMap::new();
    for line in lines {
        let (name, value) = line.rsplit_once(' ').unwrap();
        let twice = all.insert(name.to_owned(), value.parse().unwrap());
        assert!(twice.is_none(), "{name} is there twice");
    }
    all
}

fn some_traffic(cell: &SideCell) {
    cell.requests[0][Class::Ok as usize].add(7);
    cell.requests[1][Class::ClientError as usize].add(2);
    cell.attempts[Class::Timeout as usize].add(1);
    cell.fallbacks[Reason::Bypass as usize].add(3);
    cell.retries[Reason::Connect as usize].add(4);
    cell.not_replayable.add(5);
    cell.unsafe_to_repeat.add(6);
    cell.over_budget.add(8);
    cell.cut.add(9);
    cell.in_flight.up();
    cell.head.record(900);
    cell.head.record(1_000);
    cell.head.record(2_000_000_000);
    cell.total.record(30_000);
}

#[test]
fn figures_are_sums_over_workers_under_the_right_labels() {
    let house = house();
    let metrics = house.metrics();
    let snapshot = house.publisher.current();
    let arm = snapshot.routes[0].candidate.as_ref().unwrap();
    some_traffic(arm.cells.of(0));
    some_traffic(arm.cells.of(1));
    let all = series(&metrics.text().unwrap());
    let place = r#"route="route0",side="candidate""#;
    let at = format!(r#"{place},backend="vastai""#);
    for (name, value) in [
        (format!(r#"requests_total{{{at},class="ok"}}"#), 14.0),
        (
            format!(r#"requests_total{{{place},backend="legacy",class="client_error"}}"#),
            4.0,
        ),
        (
            format!(r#"requests_total{{{at},class="client_error"}}"#),
            0.0,
        ),
        (format!(r#"attempts_total{{{at},class="timeout"}}"#), 2.0),
        (
            format!(r#"fallbacks_total{{{place},reason="bypass"}}"#),
            6.0,
        ),
        (format!(r#"retries_total{{{place},reason="connect"}}"#), 8.0),
        (format!("not_replayable_total{{{place}}}"), 10.0),
        (format!("unsafe_to_repeat_total{{{place}}}"), 12.0),
        (format!("retry_over_budget_total{{{place}}}"), 16.0),
        (r#"cut_total{route="route0"}"#.into(), 18.0),
        (format!("requests_in_flight{{{at}}}"), 2.0),
        (
            format!(r#"response_head_seconds_bucket{{{at},le="0.001"}}"#),
            2.0,
        ),
        (
            format!(r#"response_head_seconds_bucket{{{at},le="0.0025"}}"#),
            4.0,
        ),
        (
            format!(r#"response_head_seconds_bucket{{{at},le="1800"}}"#),
            4.0,
        ),
        (
            format!(r#"response_head_seconds_bucket{{{at},le="+Inf"}}"#),
            6.0,
        ),
        (format!("response_head_seconds_count{{{at}}}"), 6.0),
        (format!("response_head_seconds_sum{{{at}}}"), 4000.0038),
        (format!("response_seconds_sum{{{at}}}"), 0.06),
        (format!("first_byte_seconds_count{{{at}}}"), 0.0),
        (r#"percent_configured{route="route0"}"#.into(), 12.5),
        (r#"percent_in_force{route="route0"}"#.into(), 12.5),
        (r#"percent_effective{route="route0"}"#.into(), 12.5),
        (r#"kill_switch{route="route0"}"#.into(), 0.0),
        ("journal_sound".into(), 1.0),
    ] {
        assert_eq!(all.get(&format!("figshift_{name}")), Some(&value), "{name}");
    }
    // What the split did not choose was not touched.
    let primary = all
        .iter()
        .filter(|(name, _)| name.contains(r#"side="primary""#));
    assert_eq!(primary.map(|(_, value)| value).sum::<f64>(), 0.0);
}

#[test]
fn endpoints_workers_and_configuration_are_told() {
    let house = house();
    let metrics = house.metrics();
    let snapshot = house.publisher.current();
    let endpoint = &snapshot.backends[1].members[0].endpoint;
    let cell = endpoint.cells.of(1);
    cell.connects.add(3);
    cell.open.up();
    let ticket = endpoint.fitness.admit(Duration::ZERO, 0).unwrap();
    while !endpoint.fitness.fail(Duration::ZERO, ticket, 0) {}
    house.workers.of(1).accepted.add(9);
    house.workers.of(1).faults[Fault::NoRoute as usize].add(2);
    let mut standing = Standing::clone(&house.standing.load());
    standing.last = Outcome::Refused("line 1: no".into());
    standing.refused = 4;
    standing.needs_restart = vec!["listen.http"];
    house.standing.store(Arc::new(standing));
    let all = series(&metrics.text().unwrap());
    let at = r#"backend="vastai",endpoint="http://127.0.0.1:2""#;
    for (name, value) in [
        (format!("upstream_connects_total{{{at}}}"), 3.0),
        (format!("upstream_connections{{{at}}}"), 1.0),
        (format!("endpoint_healthy{{{at}}}"), 1.0),
        (format!(r#"breaker_state{{{at},state="open"}}"#), 1.0),
        (format!(r#"breaker_state{{{at},state="closed"}}"#), 0.0),
        (format!("breaker_trips_total{{{at}}}"), 1.0),
        (
            r#"client_connections_accepted_total{worker="0"}"#.into(),
            0.0,
        ),
        (
            r#"client_connections_accepted_total{worker="1"}"#.into(),
            9.0,
        ),
        (r#"own_answers_total{reason="no_route"}"#.into(), 2.0),
        ("config_epoch".into(), 1.0),
        ("config_last_reload_successful".into(), 0.0),
        ("config_last_reload_timestamp_seconds".into(), 1.5),
        (r#"config_reloads_total{result="refused"}"#.into(), 4.0),
        ("config_from_last_good".into(), 0.0),
        ("config_restart_needed".into(), 1.0),
        (
            concat!(
                r#"build_info{version=""#,
                env!("CARGO_PKG_VERSION"),
                r#""}"#
            )
            .into(),
            1.0,
        ),
    ] {
        assert_eq!(all.get(&format!("figshift_{name}")), Some(&value), "{name}");
    }
    #[cfg(target_os = "linux")]
    assert!(all["process_start_time_seconds"] > 0.0);
}

#[test]
fn a_kill_switch_and_a_deaf_journal_are_told() {
    let house = house();
    let metrics = house.metrics();
    let mut standing = Standing::clone(&house.standing.load());
    standing.forces.insert("route0".to_owned(), force(true));
    standing.journal_sound = false;
    house.standing.store(Arc::new(standing));
    let all = series(&metrics.text().unwrap());
    let of_route = |name: &str| all[&format!(r#"figshift_{name}{{route="route0"}}"#)];
    assert_eq!(of_route("kill_switch"), 1.0);
    assert_eq!(of_route("percent_configured"), 12.5);
    assert_eq!(all["figshift_journal_sound"], 0.0);
}

#[test]
fn flags_are_told_where_there_are_some() {
    let sights = Arc::new(ArcSwap::from_pointee(FlagSights::new()));
    let metrics = house().metrics().with_flags(Arc::clone(&sights)).unwrap();
    assert!(!metrics.text().unwrap().contains("flag_"));
    let sight = |age: u64| FlagSight {
        key: "k".to_owned(),
        says: None,
        good_at: None,
        since: Instant::now() - Duration::from_secs(age),
        error: None,
        stale_after: Duration::from_secs(300),
    };
    let both = [("old".to_owned(), sight(400)), ("new".to_owned(), sight(1))];
    sights.store(Arc::new(both.into()));
    let all = series(&metrics.text().unwrap());
    assert_eq!(all[r#"figshift_flag_stale{route="old"}"#], 1.0);
    assert_eq!(all[r#"figshift_flag_stale{route="new"}"#], 0.0);
    let age = all[r#"figshift_flag_last_success_age_seconds{route="old"}"#];
    assert!((400.0..500.0).contains(&age), "{age}");
}

#[test]
fn traffic_never_adds_a_series() {
    let house = house();
    let metrics = house.metrics();
    let before = series(&metrics.text().unwrap());
    let snapshot = house.publisher.current();
    for n in 0..200_usize {
        let route = &snapshot.routes[0];
        let arm = if n % 2 == 0 {
            &route.primary
        } else {
            route.candidate.as_ref().unwrap()
        };
        let cell = arm.cells.of(n % WORKERS);
        some_traffic(cell);
        for class in 0..Class::COUNT {
            cell.attempts[class].add(1);
            cell.requests[n / 2 % 2][class].add(1);
        }
        cell.total.record(1 << (n % 40));
        house.workers.of(n % WORKERS).faults[n % Fault::COUNT].add(1);
        for backend in &snapshot.backends {
            backend.members[0]
                .endpoint
                .cells
                .of(n % WORKERS)
                .reused
                .add(1);
        }
    }
    let after = series(&metrics.text().unwrap());
    assert!(before.keys().eq(after.keys()));
    assert!(before.len() > 100);
}

#[test]
fn a_scrape_of_ten_routes_is_quick() {
    let house = house();
    let metrics = house.metrics();
    let snapshot = snapshot(10, &house.publisher.current());
    for route in &snapshot.routes {
        some_traffic(route.primary.cells.of(0));
        some_traffic(route.primary.cells.of(1));
    }
    house.publisher.publish(snapshot);
    let text = metrics.text().unwrap();
    assert!(text.contains("route9"));
    let begun = Instant::now();
    for _ in 0..10 {
        metrics.text().unwrap();
    }
    // Some 5 ms in an unoptimised build; the bound only catches a blunder.
    let each = begun.elapsed() / 10;
    assert!(each < Duration::from_millis(200), "{each:?}");
}

/// Needs `promtool` on the path.
#[test]
#[ignore = "runs promtool"]
fn promtool_has_no_complaint() {
    let house = house();
    find_everything(&house);
    let text = house.metrics().text().unwrap();
    assert!(text.contains("figshift_flag_percent{"));
    passes_promtool(&text);
}

pub(super) fn passes_promtool(text: &str) {
    use std::io::Write;
    use std::process::{Command, Stdio};
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    promtool
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = promtool.wait_with_output().unwrap();
    let complaints = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&complaints)
    );
}
