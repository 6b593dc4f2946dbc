//! What the port tells of the guard, of ramps and of the file in force.

use std::sync::Arc;

use super::tests::Port;
use crate::api::{
    ConfigStatus, ConfigText, GuardWord, HouseStatus, MetricWord, RouteState, State, Yardstick,
};
use crate::control::{Finding, Findings, Judged, Standing};
use crate::policy::guard::Verdict;
use crate::telemetry::sample;

#[tokio::test]
async fn a_hold_of_the_guard_is_bad_news_and_no_kill_switch() {
    let port = Port::open().await;
    let mut standing = Standing::clone(&port.view.standing.load());
    standing.forces.insert("route0".to_owned(), sample::held());
    port.view.standing.store(Arc::new(standing));
    let (_, health) = port.health().await;
    assert_eq!(health.status, HouseStatus::Degraded);
    let route = &health.routes["route0"];
    assert_eq!((route.killed, route.held), (false, true));
    assert!(health.services["vastai"].enabled);
    let state: RouteState = port
        .get("/api/v1/routes/route0")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!((state.killed, state.held), (false, true));
    let link = &state.chain[0];
    assert_eq!((&*link.what, link.percent), ("guard_hold", 0.0));
    let guard = state.guard.unwrap();
    assert_eq!(guard.state, GuardWord::Held);
    let why = "at 12.5 %: p95 worse: 34 of 210 slow against 12 of 240, evidence 143 of 100";
    assert_eq!(guard.why.as_deref(), Some(why));
}

#[tokio::test]
async fn the_state_tells_what_the_guard_knows() {
    let port = Port::open().await;
    let guard = async || {
        let state: RouteState = port
            .get("/api/v1/routes/route0")
            .await
            .json()
            .await
            .unwrap();
        state.guard.unwrap()
    };
    let off = guard().await;
    assert_eq!((off.state, off.evidence), (GuardWord::Off, 1.0));
    assert_eq!((off.needed, off.limits), (100.0, None));
    let mut finding = sample::finding();
    let find = |finding: &Finding| {
        let judged = Judged {
            finding: Some(finding.clone()),
            ..Judged::default()
        };
        let findings = Findings::from([("route0".to_owned(), judged)]);
        port.view.findings.store(Arc::new(findings));
    };
    find(&finding);
    let watching = guard().await;
    assert_eq!(watching.state, GuardWord::Watching);
    assert_eq!(watching.compares_with, Yardstick::Primary);
    assert_eq!(watching.most_against, Some(MetricWord::P95));
    assert_eq!(watching.why, None);
    let progress = &watching.progress[0];
    assert_eq!(
        (progress.metric, progress.passed),
        (MetricWord::Errors, true)
    );
    assert_eq!((progress.primary.n, progress.candidate.bad), (600, 3));
    assert_eq!(watching.more_requests_to_promote, Some(1_873));
    assert_eq!(watching.limits.unwrap().rollback_ms.p95, 2.1);
    assert_eq!(
        (watching.primary.units, watching.candidate.p95.bad),
        (600, 12)
    );
    // What is no number, or too large for JSON, is told all the same.
    finding.evidence = f64::INFINITY;
    finding.parts[0].evidence = f64::NAN;
    finding.verdict = Verdict::Freeze(sample::reason());
    find(&finding);
    let warned = guard().await;
    assert_eq!((warned.state, warned.evidence), (GuardWord::Warning, 1e12));
    assert_eq!(warned.metrics[0].evidence, 0.0);
    assert!(warned.why.unwrap().starts_with("p95 worse: 34 of 210"));
    finding.verdict = Verdict::Wait;
    finding.dry_run = true;
    finding.detected = Some(sample::reason());
    find(&finding);
    let dry = guard().await;
    assert_eq!((dry.state, dry.dry_run), (GuardWord::DryRunBreach, true));
    assert!(dry.why.is_some());
}

#[tokio::test]
async fn one_route_or_none() {
    let port = Port::open().await;
    let state: State = port.get("/api/v1/state").await.json().await.unwrap();
    let one: RouteState = port
        .get("/api/v1/routes/route0")
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(state.routes, [one]);
    for name in ["route1", "ROUTE0", "%2e%2e", "%ff"] {
        let answer = port.get(&format!("/api/v1/routes/{name}")).await;
        assert!(matches!(answer.status().as_u16(), 400 | 404), "{name}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
    }
}

#[tokio::test]
async fn the_file_in_force_is_shown_without_its_secrets() {
    let port = Port::open().await;
    let config: ConfigText = port.get("/api/v1/config").await.json().await.unwrap();
    assert_eq!(config.file, "figshift.toml");
    assert_eq!(config.status, ConfigStatus::Applied);
    assert_eq!(config.text, "admin.token = \"redacted\" # ours\n");
}
