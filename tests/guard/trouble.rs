//! A candidate that turns bad, one that turns slow, and what is none of its fault.

use std::time::Duration;

use serde_json::json;

use super::stage::Stage;
use crate::support::eventually;

/// So many clients, whose answers take some 10 ms.
const CLIENTS: usize = 4;
/// What the guard needs to know what is usual.
const USUAL: u64 = 1_500;

#[tokio::test]
async fn a_candidate_that_begins_to_fail_loses_its_share_and_a_restart_keeps_it_so() {
    let mut stage = Stage::open(25.0, "").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    stage.new.fails(200);
    let delay = stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    println!("20 % errors at 25 %: {delay:?}: {}", stage.why());
    let why = stage.why();
    let named = "0 % ← guard hold 0 %: at 25 %: errors worse: ";
    assert!(why.starts_with(named), "{why}");
    assert!(
        why.ends_with(" ← file 25 %") && why.contains(" bad against "),
        "{why}"
    );
    // It is at the evidence that the defaults ask for, and not later than seen.
    assert!(why.contains(" of 100"), "{why}");

    let mut stage = stage.restart(25.0, "").await;
    assert_eq!((stage.in_force(), stage.why()), (0, why));
    stage.new.fails(0);
    stage.traffic(CLIENTS);
    stage.served(300).await;
    assert_eq!(stage.in_force(), 0, "nobody has resumed");
    for (percent, answer) in [(10, 409), (0, 200), (25, 409)] {
        let shift = json!({ "route": "all", "percent": percent });
        assert_eq!(stage.post("shift", shift).await, answer, "{percent}");
        assert_eq!(stage.in_force(), 0);
    }
    let shift = json!({ "route": "all", "percent": 25, "force": true });
    assert_eq!(stage.post("shift", shift).await, 200);
    assert_eq!(stage.in_force(), 2_500);
    let route = json!({ "route": "all" });
    assert_eq!(stage.post("rollback", route).await, 200);
    stage.resume().await;
    assert_eq!(stage.in_force(), 2_500);
    stage.while_nothing_moves(Duration::from_secs(20)).await;
    stage.quiet().await;
}

#[tokio::test]
async fn a_candidate_twice_as_slow_loses_its_share() {
    let mut stage = Stage::open(25.0, "").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    stage.new.takes(20);
    let delay = stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    println!("twice as slow at 25 %: {delay:?}: {}", stage.why());
    let why = stage.why();
    assert!(
        why.contains(" worse: ") && why.contains(" slow against "),
        "{why}"
    );
    stage.quiet().await;
}

#[tokio::test]
async fn what_both_sides_suffer_is_not_the_candidates_fault() {
    let mut stage = Stage::open(25.0, "").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    for (takes, fails) in [(30, 0), (10, 100), (20, 50)] {
        for side in [&stage.old, &stage.new] {
            side.takes(takes);
            side.fails(fails);
        }
        stage.while_nothing_moves(Duration::from_secs(12)).await;
    }
    stage.quiet().await;
}

#[tokio::test]
async fn no_traffic_is_no_failure() {
    let mut stage = Stage::open(25.0, "").await;
    stage.traffic(CLIENTS);
    stage.served(200).await;
    stage.quiet().await;
    stage.while_nothing_moves(Duration::from_secs(60)).await;
    let words = stage.words();
    assert!(words.is_empty(), "{words:?}");
}

#[tokio::test]
async fn trouble_after_a_raise_by_hand_undoes_the_raise() {
    let mut stage = Stage::open(5.0, "guard = { ride_out = \"2s\" }").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    let shift = json!({ "route": "all", "percent": 50 });
    assert_eq!(stage.post("shift", shift).await, 200);
    stage.new.fails(300);
    stage.until("undone", |stage| stage.in_force() == 500).await;
    assert!(
        stage.why().starts_with("5 % ← guard hold 5 %: at 50 %: "),
        "{}",
        stage.why()
    );
    // And when that was not enough, all of it.
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    stage.quiet().await;
}

#[tokio::test]
async fn a_dry_run_tells_and_takes_nothing_back() {
    let mut stage = Stage::open(50.0, "guard = { dry_run = true, ride_out = \"2s\" }").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    stage.new.fails(500);
    let told = |stage: &Stage| stage.words().contains(&"guard_detected".to_owned());
    stage.until("told", told).await;
    assert_eq!(stage.in_force(), 5_000);
    stage.quiet().await;
}

#[tokio::test]
async fn a_primary_that_is_out_keeps_a_worse_candidate_in_force() {
    let mut stage = Stage::open(50.0, "guard = { ride_out = \"2s\", compare = \"limit\" }").await;
    stage.traffic(CLIENTS);
    stage.served(USUAL).await;
    stage.primary_dies().await;
    stage.new.fails(300);
    let told = |stage: &Stage| stage.words().contains(&"guard_stranded".to_owned());
    stage.until("told", told).await;
    assert_eq!(stage.in_force(), 5_000, "{}", stage.why());
    stage.primary_comes_back();
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    eventually("the last request is over", || stage.house.in_flight() >= 0).await;
    stage.quiet().await;
}
