//! Ramps by order and by themselves.

use figshift::api::{HouseStatus, Problem, RampState, RampWord};
use serde_json::json;

use super::desk::Desk;
use super::guard::HASTY;
use crate::support::load::Load;
use crate::support::origin::status;

const RAMP: &str =
    "ramp = { steps = [10, 50], min_step = \"1s\", hold_back = 20 }\nguard.min_requests = 1\n";

async fn ramp_of(desk: &Desk) -> RampState {
    desk.route().await.ramp.unwrap()
}

fn refused<T: std::fmt::Debug>(answer: Result<T, Problem>) -> (u16, String) {
    let problem = answer.unwrap_err();
    (problem.status, problem.reason)
}

#[tokio::test]
async fn orders_are_obeyed_and_told() {
    let desk = Desk::with_route(0.0, RAMP).await;
    let idle = ramp_of(&desk).await;
    assert_eq!((idle.state, idle.percent), (RampWord::Idle, 0.0));
    assert_eq!((idle.next_percent, idle.at), (Some(10.0), None));
    assert_eq!(idle.waits_for.as_deref(), Some("an operator (start)"));

    let order = json!({ "route": "all", "order": "start", "reason": "day one" });
    let started = desk.post("ramp", &order).await.unwrap();
    assert!(started.persisted && started.moves.is_empty(), "{started:?}");
    // It is told before the next look.
    assert_ne!(ramp_of(&desk).await.state, RampWord::Idle);
    desk.comes_to(1_000).await;
    let climbing = ramp_of(&desk).await;
    assert_eq!(
        (climbing.state, climbing.percent),
        (RampWord::Climbing, 10.0)
    );
    assert_eq!(climbing.next_percent, Some(50.0));
    assert_eq!(
        (climbing.actor.as_deref(), climbing.reason.as_deref()),
        (Some("ramp"), Some("begun"))
    );
    assert!(climbing.at.unwrap().starts_with("20"));
    let waits = climbing.waits_for.unwrap();
    assert!(waits.contains("more requests of the candidate"), "{waits}");

    desk.ramp("pause").await.unwrap();
    let paused = ramp_of(&desk).await;
    assert_eq!((paused.state, paused.percent), (RampWord::Paused, 10.0));
    assert_eq!(paused.waits_for.as_deref(), Some("an operator (resume)"));
    desk.ramp("resume").await.unwrap();
    assert_eq!(ramp_of(&desk).await.state, RampWord::Climbing);
    let promoted = desk.ramp("promote").await.unwrap();
    assert_eq!((promoted.moves[0].from, promoted.moves[0].to), (10.0, 50.0));
    assert_eq!(desk.why(), "50 % ← ramp 50 % by operator ← file 0 %");
    let state = desk.state().await;
    assert_eq!(
        (state.status, state.routes[0].chain[0].what.as_str()),
        (HouseStatus::Ok, "ramp")
    );

    desk.ramp("abort").await.unwrap();
    assert_eq!(desk.in_force(), 0);
    let aborted = desk.route().await;
    assert!(!aborted.held && !aborted.killed);
    assert_eq!(aborted.ramp.unwrap().state, RampWord::Aborted);
    let journal = desk.journal().await;
    let words: Vec<&str> = journal.entries.iter().map(|entry| &*entry.what).collect();
    assert_eq!(
        words,
        [
            "ramp_start",
            "ramp_step",
            "ramp_pause",
            "ramp_resume",
            "ramp_promote",
            "ramp_abort"
        ]
    );
    assert_eq!(journal.entries[0].reason.as_deref(), Some("day one"));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_and_changes_nothing() {
    let desk = Desk::open().await;
    let epoch = desk.house.standing().epoch;
    assert_eq!(
        refused(desk.ramp("start").await),
        (409, "no_ramp".to_owned())
    );
    for body in [
        json!({ "route": "all", "order": "jump" }),
        json!({ "route": "all" }),
        json!({ "order": "start" }),
        json!({ "route": "all", "order": "start", "percent": 5 }),
        json!({ "route": "all", "order": "start", "reason": "two\nlines" }),
    ] {
        let answer = refused(desk.post("ramp", &body).await);
        assert_eq!(answer, (400, "bad_request".to_owned()), "{body}");
    }
    let nowhere = json!({ "route": "nowhere", "order": "start" });
    assert_eq!(
        refused(desk.post("ramp", &nowhere).await),
        (404, "no_route".to_owned())
    );
    assert_eq!(
        (desk.house.standing().epoch, desk.in_force()),
        (epoch, 2_500)
    );

    let desk = Desk::with_route(0.0, RAMP).await;
    let epoch = desk.house.standing().epoch;
    for order in ["pause", "resume", "promote"] {
        assert_eq!(
            refused(desk.ramp(order).await),
            (409, "ramp".to_owned()),
            "{order}"
        );
    }
    let stale = json!({ "route": "all", "order": "start", "if_epoch": epoch + 1 });
    assert_eq!(
        refused(desk.post("ramp", &stale).await),
        (409, "stale_epoch".to_owned())
    );
    assert_eq!(desk.house.standing().epoch, epoch);
    desk.rollback().await;
    for order in ["start", "resume", "promote"] {
        assert_eq!(
            refused(desk.ramp(order).await),
            (409, "killed".to_owned()),
            "{order}"
        );
    }
}

#[tokio::test]
async fn with_good_traffic_it_climbs_to_the_top_by_itself() {
    let lines =
        format!("{HASTY}{RAMP}guard.errors = {{ worse_by = \"1pp\", at_most = \"50pp\" }}\n");
    let desk = Desk::with_route(0.0, &lines).await;
    let load = Load::start(desk.house.app.http, 2, 0);
    desk.ramp("start").await.unwrap();
    let finished = desk.route_is("the top", |route| {
        route.ramp.as_ref().unwrap().state == RampWord::Finished
    });
    let finished = finished.await;
    load.stop().await;
    assert_eq!(finished.percent_in_force, 50.0);
    let ramp = finished.ramp.unwrap();
    assert_eq!((ramp.percent, ramp.next_percent), (50.0, None));
    let reason = ramp.reason.unwrap();
    assert!(reason.starts_with("errors 0 of "), "{reason}");
    let journal = desk.journal().await;
    let steps: Vec<_> = journal
        .entries
        .iter()
        .flat_map(|entry| &entry.moves)
        .collect();
    let steps: Vec<_> = steps.iter().map(|step| (step.from, step.to)).collect();
    assert_eq!(steps, [(0.0, 10.0), (10.0, 50.0)]);
    // What was held back is the operator's to give.
    desk.ramp("promote").await.unwrap();
    assert_eq!(desk.in_force(), 10_000);
}

#[tokio::test]
async fn a_ramp_that_was_rolled_back_is_held_until_somebody_resumes() {
    let desk = Desk::with_route(0.0, &format!("{HASTY}{RAMP}")).await;
    desk.new
        .set(|_| vec![status("500 Internal Server Error", &[], b"no")]);
    let load = Load::start(desk.house.app.http, 2, 0);
    desk.ramp("start").await.unwrap();
    let back = desk.route_is("a rollback", |route| {
        route.ramp.as_ref().unwrap().state == RampWord::RolledBack
    });
    let back = back.await;
    load.stop().await;
    assert!(back.held && !back.killed);
    assert_eq!(
        (desk.in_force(), desk.state().await.status),
        (0, HouseStatus::Degraded)
    );
    let ramp = back.ramp.unwrap();
    assert_eq!((ramp.percent, ramp.retry_at), (0.0, None));
    assert_eq!(
        ramp.waits_for.as_deref(),
        Some("an operator (resume or start)")
    );
    assert_eq!(
        ramp.reason.as_deref(),
        Some("rolled back"),
        "the hold says why"
    );
    desk.post("resume", &json!({ "route": "all" }))
        .await
        .unwrap();
    let again = desk.route().await;
    assert!(!again.held);
    assert_eq!(again.ramp.unwrap().state, RampWord::Climbing);
}
