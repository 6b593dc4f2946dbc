//! Ramps: a good candidate gets to the end without anybody, a bad one back to nothing and up again.

use std::time::Duration;

use figshift::policy::ramp::State;
use serde_json::json;

use super::stage::Stage;

/// A ramp that goes up in seconds: a step asks for little evidence, a rollback for as much as always.
const QUICK: &str = r#"
guard = { ride_out = "2s", min_requests = 20, errors = { at_most = "30pp" }, latency = { at_most = "200%" } }
[routes.ramp]
steps = [1, 5, 25, 50, 100]
hold_back = 0
min_step = "1s"
"#;
const CLIENTS: usize = 6;

#[tokio::test]
async fn a_good_candidate_gets_to_the_end_by_itself() {
    let route = format!("{QUICK}auto_start = true\n");
    let mut stage = Stage::open(0.0, &route).await;
    stage.traffic(CLIENTS);
    let took = stage
        .until("all of it", |stage| stage.in_force() == 10_000)
        .await;
    println!("to the end in {took:?}");
    stage
        .until("finished", |stage| stage.ramp() == Some(State::Finished))
        .await;
    let words = stage.words();
    let steps = words.iter().filter(|word| *word == "ramp_step").count();
    assert_eq!(steps, 5, "{words:?}");
    assert_eq!(
        (&*words[0], &*words[words.len() - 1]),
        ("ramp_start", "ramp_finished")
    );
    assert!(
        stage.why().starts_with("100 % ← ramp 100 %: "),
        "{}",
        stage.why()
    );
    // A restart is no new start.
    let stage = stage.restart(0.0, &route).await;
    assert_eq!(stage.in_force(), 10_000);
    assert_eq!(stage.ramp(), Some(State::Finished));
    // Nor is it one after somebody has ended the ramp.
    let none = json!({ "route": "all", "percent": 0 });
    assert_eq!(stage.post("shift", none).await, 200);
    let stage = stage.restart(0.0, &route).await;
    stage.while_nothing_moves(Duration::from_secs(4)).await;
    assert_eq!((stage.in_force(), stage.ramp()), (0, None));
}

#[tokio::test]
async fn a_ramp_that_was_rolled_back_stays_so_until_somebody_resumes_it() {
    let mut stage = Stage::open(0.0, QUICK).await;
    stage.traffic(CLIENTS);
    let order = |word: &str| json!({ "route": "all", "order": word });
    stage.while_nothing_moves(Duration::from_secs(2)).await;
    assert_eq!(stage.post("ramp", order("start")).await, 200);
    stage
        .until("half of it", |stage| stage.in_force() == 5_000)
        .await;
    assert_eq!(stage.post("ramp", order("pause")).await, 200);
    stage.new.fails(300);
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    assert!(
        stage
            .why()
            .starts_with("0 % ← guard hold 0 %: at 50 %: errors worse"),
        "{}",
        stage.why()
    );
    assert_eq!(stage.ramp(), Some(State::RolledBack { retry_at: None }));

    let mut stage = stage.restart(0.0, QUICK).await;
    assert_eq!(stage.in_force(), 0);
    stage.new.fails(0);
    stage.traffic(CLIENTS);
    stage.served(500).await;
    assert_eq!(stage.in_force(), 0);
    stage.resume().await;
    stage
        .until("up again", |stage| stage.in_force() >= 2_500)
        .await;
    // And a restart in the middle goes on where it was.
    let share = stage.in_force();
    let mut stage = stage.restart(0.0, QUICK).await;
    assert!(stage.in_force() >= share, "{}", stage.why());
    stage.traffic(CLIENTS);
    stage
        .until("all of it", |stage| stage.in_force() == 10_000)
        .await;
    // At the end the limit watches; and resuming needs no restart.
    stage.new.fails(300);
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    let why = stage.why();
    assert!(why.contains("errors above the limit of 5%"), "{why}");
    assert!(why.contains("← ramp 0 % by guard: rolled back"), "{why}");
    stage.new.fails(0);
    stage.resume().await;
    stage
        .until("up again", |stage| stage.in_force() >= 500)
        .await;
    stage.quiet().await;
}

#[tokio::test]
async fn a_ramp_tries_again_after_its_wait() {
    let route = format!("{QUICK}retries = 1\nretry_after = \"2s\"\n");
    let mut stage = Stage::open(0.0, &route).await;
    stage.traffic(CLIENTS);
    stage
        .post("ramp", json!({ "route": "all", "order": "start" }))
        .await;
    stage
        .until("a share", |stage| stage.in_force() == 5_000)
        .await;
    stage.new.fails(500);
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    stage.new.fails(0);
    stage
        .until("up again", |stage| stage.in_force() == 2_500)
        .await;
    assert!(stage.words().contains(&"ramp_retry".to_owned()));
    stage.new.fails(500);
    stage
        .until("taken back", |stage| stage.in_force() == 0)
        .await;
    assert_eq!(
        stage.ramp(),
        Some(State::RolledBack { retry_at: None }),
        "once is enough"
    );
    stage.quiet().await;
}

#[tokio::test]
async fn a_percent_by_hand_ends_a_ramp_and_a_kill_switch_only_stops_it() {
    let mut stage = Stage::open(0.0, QUICK).await;
    stage.traffic(CLIENTS);
    stage
        .post("ramp", json!({ "route": "all", "order": "start" }))
        .await;
    stage
        .until("a share", |stage| stage.in_force() >= 500)
        .await;
    assert_eq!(stage.post("rollback", json!({ "route": "all" })).await, 200);
    stage.while_nothing_moves(Duration::from_secs(4)).await;
    assert_eq!(stage.in_force(), 0);
    stage.resume().await;
    assert!(stage.in_force() >= 500);
    let shift = json!({ "route": "all", "percent": 7 });
    assert_eq!(stage.post("shift", shift).await, 200);
    assert_eq!(stage.why(), "7 % ← shift 7 % by operator ← file 0 %");
    stage.while_nothing_moves(Duration::from_secs(4)).await;
    stage.quiet().await;
}
