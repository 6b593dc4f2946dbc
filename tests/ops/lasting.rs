//! What outlives what: a rollback outlives saves and restarts, a shift the restarts, and a newer file
//! the shift.

use figshift::api::{Health, HouseStatus};
use serde_json::json;

use super::desk::Desk;

#[tokio::test]
async fn neither_a_save_nor_a_restart_lifts_a_rollback() {
    let desk = Desk::open().await;
    let reason = json!({ "reason": "p95 doubled" });
    desk.post("rollback", &reason).await.unwrap();
    for percent in ["50", "100", "25"] {
        desk.save(percent).await;
        assert_eq!(desk.in_force(), 0, "{percent}");
    }
    let mut desk = desk;
    for percent in ["25", "75"] {
        desk = desk.again(percent).await;
        assert_eq!(desk.in_force(), 0, "{percent}");
        let health: Health = desk.get("/health").await;
        let why = format!("0 % ← rollback by operator: p95 doubled ← file {percent} %");
        assert_eq!(health.routes["all"].why, why);
        assert_eq!(health.status, HouseStatus::Degraded);
    }
    let resumed = desk.post("resume", &json!({})).await.unwrap();
    assert_eq!(resumed.moves[0].to, 75.0);
    assert_eq!(desk.again("75").await.in_force(), 7_500);
}

#[tokio::test]
async fn a_newer_percent_in_the_file_wins_over_a_shift() {
    let desk = Desk::open().await;
    desk.shift(50.0).await.unwrap();
    let desk = desk.again("25").await;
    assert_eq!(desk.in_force(), 5_000, "a restart keeps a shift");
    desk.save("30").await;
    assert_eq!(desk.in_force(), 3_000);
    // Back at the percent that the shift was made over: it stays forgotten.
    desk.save("25").await;
    assert_eq!(desk.in_force(), 2_500);
    desk.shift(60.0).await.unwrap();
    let desk = desk.again("10").await;
    assert_eq!(desk.in_force(), 1_000, "edited while nobody was there");
    let desk = desk.again("25").await;
    assert_eq!(desk.in_force(), 2_500);
}

#[tokio::test]
async fn without_a_state_folder_traffic_can_be_taken_back_and_not_given() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder should be.
    std::fs::write(folder.path().join("state"), "").unwrap();
    let desk = Desk::in_folder(folder, "25", "").await;
    let state = desk.state().await;
    assert_eq!(
        (state.status, state.journal_sound),
        (HouseStatus::Degraded, false)
    );
    assert!(
        !desk.shift(10.0).await.unwrap().persisted,
        "less is no risk"
    );
    let more = desk.shift(50.0).await.unwrap_err();
    assert_eq!((more.status, &*more.reason), (503, "journal"));
    let back = desk.rollback().await;
    assert!(!back.persisted);
    assert_eq!(desk.in_force(), 0);
    let resume = desk.post("resume", &json!({})).await.unwrap_err();
    assert_eq!((resume.status, &*resume.reason), (503, "journal"));
    assert_eq!(desk.in_force(), 0);
}
