//! The gate of a ramp: who is asked before each step, and what becomes of every answer.

use std::time::Duration;

use figshift::control::{Actor, Change, Order, What};
use serde_json::{Value, json};

use super::desk::{Desk, TOKEN};
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::load::Load;
use crate::support::origin::{Do, Origin, ok, status};

/// A guard that lets a candidate pass after a few good requests, and a ramp that starts by itself.
const RAMP: &str = r#"
    [routes.guard]
    min_requests = 1
    ride_out = "0s"
    errors = { at_most = "50pp" }
    latency = { quantiles = [], promote_on = [] }
    [routes.ramp]
    steps = [50, 80]
    auto_start = true
    min_step = "1s"
"#;

fn route(gate: &Origin) -> String {
    with_patience(gate, "1s")
}

fn with_patience(gate: &Origin, timeout: &str) -> String {
    let url = format!("{}/may", gate.url());
    format!(
        "{RAMP}[routes.ramp.gate]\nurl = {url:?}\ntoken = {TOKEN:?}\nevery = \"1s\"\ntimeout = {timeout:?}\n"
    )
}

async fn open(gate: &Origin) -> Desk {
    at(route(gate)).await
}

async fn at(route: String) -> Desk {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 0.0, &route).start().await;
    Desk { old, new, house }
}

/// Saves the file with another gate.
async fn save(desk: &Desk, gate: &Origin) {
    let plan = Plan::sides(&desk.old, &desk.new, 0.0, &route(gate));
    desk.house.save(&plan.rest).await;
}

fn letters(gate: &Origin) -> Vec<Value> {
    let seen = gate.seen().into_iter();
    seen.map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

async fn order(desk: &Desk, order: Order) {
    let route = "all".to_owned();
    let change = Change::new(What::Ramp { route, order }, Actor::Operator);
    desk.house.app.door().ask(change).await.unwrap();
}

/// Waits until the last line of the journal is this one; gives its actor.
async fn last_is(desk: &Desk, what: &str) -> String {
    let deadline = std::time::Instant::now() + crate::support::DEADLINE;
    loop {
        let journal = desk.journal().await;
        let last = journal.entries.into_iter().next_back();
        if let Some(last) = last.as_ref().filter(|last| last.what == what) {
            return last.actor.clone();
        }
        let late = std::time::Instant::now() > deadline;
        assert!(!late, "{what}, and not {last:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_yes_lets_it_step_and_each_step_is_asked_for() {
    let gate = Origin::saying("fine by me");
    let desk = open(&gate).await;
    desk.comes_to(5_000).await;
    let load = Load::start(desk.house.app.http, 2, 0);
    desk.comes_to(8_000).await;
    load.stop().await;
    let seen = gate.seen();
    assert_eq!((seen[0].method(), seen[0].target()), ("POST", "/may"));
    let bearer = format!("Bearer {TOKEN}");
    assert!(
        seen.iter()
            .all(|seen| seen.head.get("authorization") == Some(&*bearer))
    );
    let letters = letters(&gate);
    let moves = letters.iter().map(|letter| {
        (
            letter["from"].as_f64().unwrap(),
            letter["to"].as_f64().unwrap(),
        )
    });
    assert_eq!(moves.collect::<Vec<_>>(), [(0.0, 50.0), (50.0, 80.0)]);
    for letter in &letters {
        assert_eq!(
            (&letter["route"], &letter["backend"]),
            (&json!("all"), &json!("new"))
        );
        assert!(letter["epoch"].as_u64().unwrap() > 0);
    }
    assert_eq!(letters[0]["reason"], "nothing to compare yet");
    let reason = letters[1]["reason"].as_str().unwrap();
    assert!(reason.starts_with("errors 0 of "), "{reason}");
}

#[tokio::test]
async fn a_no_pauses_it_and_a_resume_asks_again() {
    let gate = Origin::new(|_| vec![ok(br#"{"approved": false, "reason": "freeze"}"#)]);
    let desk = open(&gate).await;
    assert_eq!(last_is(&desk, "ramp_pause").await, "gate");
    assert_eq!((desk.in_force(), gate.count()), (0, 1));
    gate.set(|_| vec![status("423 Locked", &[], b"")]);
    order(&desk, Order::Resume).await;
    eventually("it is asked again", || gate.count() == 2).await;
    assert_eq!(last_is(&desk, "ramp_pause").await, "gate");
    gate.set(|_| vec![status("204 No Content", &[], b"")]);
    order(&desk, Order::Resume).await;
    desk.comes_to(5_000).await;
    assert_eq!(gate.count(), 3);
}

#[tokio::test]
async fn no_answer_is_neither_and_is_asked_for_again() {
    let gate = Origin::dead();
    let desk = open(&gate).await;
    assert_eq!(last_is(&desk, "ramp_gate").await, "ramp");
    gate.set(|_| {
        vec![status(
            "503 Service Unavailable",
            &[],
            b"{\"approved\": true}",
        )]
    });
    gate.revive();
    eventually("it is asked again after an error", || gate.count() >= 2).await;
    gate.set(|_| vec![Do::Stall]);
    eventually("a silent one is left in time", || gate.left() >= 1).await;
    assert_eq!(desk.in_force(), 0);
    let what = desk.journal().await.entries.pop().unwrap().what;
    assert_eq!(what, "ramp_gate", "nothing else has happened");
    gate.set(|_| vec![ok(b"yes")]);
    desk.comes_to(5_000).await;
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_is_not_needed_any_more() {
    let gate = Origin::new(|_| vec![Do::Stall]);
    let desk = at(with_patience(&gate, "10m")).await;
    eventually("it is asked", || gate.count() == 1).await;
    // A kill switch is on: the question is taken back, and asked anew when it is off.
    desk.rollback().await;
    eventually("the question is dropped", || gate.left() == 1).await;
    desk.post("resume", &json!({})).await.unwrap();
    eventually("it is asked anew", || gate.count() == 2).await;
    // Another gate is in the file.
    let other = Origin::saying("yes");
    save(&desk, &other).await;
    desk.comes_to(5_000).await;
    eventually("the first gate is left", || gate.left() == 2).await;
    assert_eq!((gate.count(), gate.open()), (2, 0));
    assert_eq!(letters(&other)[0]["to"], 50.0);
}

#[tokio::test]
async fn the_guard_watches_while_the_gate_thinks() {
    let gate = Origin::saying("yes");
    let desk = at(with_patience(&gate, "10m")).await;
    desk.comes_to(5_000).await;
    gate.set(|_| vec![Do::Stall]);
    let load = Load::start(desk.house.app.http, 2, 0);
    eventually("the second step is asked for", || gate.count() >= 2).await;
    let broken = |_: &_| vec![status("500 Internal Server Error", &[], b"oops")];
    desk.new.set(broken);
    desk.comes_to(0).await;
    load.stop().await;
    assert_eq!(last_is(&desk, "guard_hold").await, "guard");
    assert!(desk.why().contains("guard hold 0 %"), "{}", desk.why());
    eventually("the question is dropped", || gate.left() == 1).await;
    // Nobody has been asked since, until an operator begins again.
    gate.set(|_| vec![ok(b"yes")]);
    order(&desk, Order::Start).await;
    desk.comes_to(5_000).await;
    let moves = letters(&gate);
    let moves: Vec<_> = moves
        .iter()
        .map(|letter| letter["to"].as_f64().unwrap())
        .collect();
    assert_eq!(moves, [50.0, 80.0, 50.0]);
}
