//! The guard as an operator sees it, with real traffic: what it finds, what it holds, and who may
//! give the traffic back.

use figshift::api::{GuardWord, Health, HouseStatus, MetricWord, Phase, Yardstick};
use serde_json::json;

use super::desk::Desk;
use crate::support::load::Load;
use crate::support::origin::{ok, status};

/// Only errors are compared, and nothing is ridden out.
pub(crate) const HASTY: &str =
    "guard.ride_out = \"0s\"\nguard.latency = { quantiles = [], promote_on = [] }\n";

/// A route whose candidate fails every request, under load.
async fn failing(lines: &str) -> (Desk, Load) {
    let desk = Desk::with_route(50.0, &format!("{HASTY}{lines}")).await;
    let fail = |_: &_| vec![status("500 Internal Server Error", &[], b"no")];
    desk.new.set(fail);
    let load = Load::start(desk.house.app.http, 2, 0);
    (desk, load)
}

impl Desk {
    fn heal(&self) {
        self.new.set(|_| vec![ok(b"new")]);
    }

    /// The value of a metric, by its whole name and labels.
    async fn metric(&self, series: &str) -> f64 {
        let host = format!("host: {}", self.port());
        let text = self.raw("GET /metrics", &[&host], "").await.text();
        let mut lines = text.lines();
        let line = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {series} in {text}"))
            .parse()
            .unwrap()
    }
}

#[tokio::test]
async fn a_hold_is_told_everywhere_and_is_no_kill_switch() {
    let (desk, load) = failing("").await;
    desk.comes_to(0).await;
    load.stop().await;
    let route = desk.route_is("the guard holds", |route| {
        let guard = route.guard.as_ref().unwrap();
        guard.state == GuardWord::Held
    });
    let route = route.await;
    assert_eq!((route.held, route.killed), (true, false));
    assert_eq!(route.chain[0].what, "guard_hold");
    assert_eq!(route.chain[0].actor.as_deref(), Some("guard"));
    let guard = route.guard.unwrap();
    let why = guard.why.unwrap();
    assert!(why.starts_with("at 50 %: errors worse: "), "{why}");
    assert_eq!(route.chain[0].reason.as_deref(), Some(&*why));
    assert!(guard.candidate.errors >= 5, "{:?}", guard.candidate);
    assert_eq!(guard.primary.errors, 0);

    let state = desk.state().await;
    assert_eq!(
        (state.phase, state.status),
        (Phase::RolledBack, HouseStatus::Degraded)
    );
    let health: Health = desk.get("/health").await;
    let told = &health.routes["all"];
    assert_eq!((told.held, told.killed), (true, false));
    assert!(health.services["new"].enabled);
    let rollbacks = r#"figshift_guard_rollbacks_total{route="all",reason="errors"}"#;
    assert_eq!(desk.metric(rollbacks).await, 1.0);
    assert_eq!(
        desk.metric(r#"figshift_guard_state{route="all",state="held"}"#)
            .await,
        1.0
    );
    assert_eq!(
        desk.metric(r#"figshift_kill_switch{route="all"}"#).await,
        0.0
    );
    let journal = desk.journal().await;
    let last = journal.entries.last().unwrap();
    assert_eq!((&*last.what, &*last.actor), ("guard_hold", "guard"));
}

#[tokio::test]
async fn a_hold_ends_by_force_or_by_resume_and_not_by_a_shift() {
    let (desk, load) = failing("").await;
    desk.comes_to(0).await;
    load.stop().await;
    desk.heal();
    let refused = desk.shift(10.0).await.unwrap_err();
    assert_eq!((refused.status, &*refused.reason), (409, "held"));
    assert!(refused.detail.contains("by force"), "{}", refused.detail);
    assert_eq!(desk.in_force(), 0);
    let force = json!({ "route": "all", "percent": 10, "force": true });
    let shifted = desk.post("shift", &force).await.unwrap();
    assert_eq!((shifted.moves[0].from, shifted.moves[0].to), (0.0, 10.0));
    assert!(!desk.route().await.held);
    // A kill switch is stronger than force.
    desk.rollback().await;
    let refused = desk.post("shift", &force).await.unwrap_err();
    assert_eq!((refused.status, &*refused.reason), (409, "killed"));
}

#[tokio::test]
async fn a_resume_ends_a_hold() {
    let (desk, load) = failing("").await;
    desk.comes_to(0).await;
    load.stop().await;
    desk.heal();
    let one = json!({ "route": "all" });
    let resumed = desk.post("resume", &one).await.unwrap();
    assert_eq!(resumed.moves[0].to, 50.0);
    let state = desk.state().await;
    assert_eq!((state.phase, state.status), (Phase::Shift, HouseStatus::Ok));
}

#[tokio::test]
async fn a_dry_run_tells_and_takes_nothing_back() {
    let (desk, load) = failing("guard.dry_run = true\n").await;
    let route = desk.route_is("a finding", |route| {
        let guard = route.guard.as_ref().unwrap();
        guard.state == GuardWord::DryRunBreach
    });
    let route = route.await;
    load.stop().await;
    let guard = route.guard.unwrap();
    assert!(guard.dry_run && !route.held);
    assert_eq!(route.percent_in_force, 50.0);
    assert!(guard.evidence >= guard.needed, "{guard:?}");
    assert_eq!(guard.most_against, Some(MetricWord::Errors));
    assert!(guard.why.unwrap().starts_with("errors worse: "));
    let journal = desk.journal().await;
    assert_eq!(journal.entries.last().unwrap().what, "guard_detected");
    let rollbacks = r#"figshift_guard_rollbacks_total{route="all",reason="errors"}"#;
    assert_eq!(desk.metric(rollbacks).await, 0.0);
    assert_eq!(
        desk.metric(r#"figshift_guard_dry_run{route="all"}"#).await,
        1.0
    );
}

#[tokio::test]
async fn without_traffic_it_says_what_it_would_watch() {
    let desk = Desk::with_route(25.0, "").await;
    let guard = desk.route_is("a look", |route| {
        route.guard.as_ref().unwrap().state == GuardWord::Learning
    });
    let guard = guard.await.guard.unwrap();
    assert_eq!((guard.evidence, guard.needed), (1.0, 100.0));
    assert_eq!((guard.units_at_step, guard.limits), (0, None));
    let watched: Vec<_> = guard.metrics.iter().map(|known| known.metric).collect();
    assert_eq!(
        watched,
        [
            MetricWord::Errors,
            MetricWord::P50,
            MetricWord::P95,
            MetricWord::P99
        ]
    );
    desk.shift(100.0).await.unwrap();
    let whole = desk.route_is("the whole", |route| {
        route.guard.as_ref().unwrap().compares_with == Yardstick::Limit
    });
    assert_eq!(whole.await.guard.unwrap().state, GuardWord::Watching);
    desk.shift(0.0).await.unwrap();
    let route = desk.route().await;
    assert_eq!(route.guard.unwrap().state, GuardWord::Idle);
    assert_eq!((route.ramp, route.flag), (None, None));
}
