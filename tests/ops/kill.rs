//! The file KILL: for when nobody answers.

use std::time::Duration;

use figshift::control::kill_path;
use serde_json::json;

use super::desk::Desk;
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::origin::Origin;

const QUICK: Duration = Duration::from_secs(1);

impl Desk {
    fn kill(&self) -> std::path::PathBuf {
        kill_path(&self.house.folder.path().join("state"))
    }
}

#[tokio::test]
async fn it_takes_effect_at_once_and_goes_as_it_came() {
    let desk = Desk::open().await;
    std::fs::write(desk.kill(), "").unwrap();
    assert!(desk.comes_to(0).await < QUICK);
    assert_eq!(desk.why(), "0 % ← KILL file by kill_file ← file 25 %");
    std::fs::remove_file(desk.kill()).unwrap();
    assert!(desk.comes_to(2_500).await < QUICK);
}

#[tokio::test]
async fn it_survives_a_restart_and_ends_by_resume() {
    let desk = Desk::open().await;
    std::fs::write(desk.kill(), "").unwrap();
    desk.comes_to(0).await;
    let desk = desk.again("25").await;
    assert_eq!(desk.in_force(), 0);
    let health: figshift::api::Health = desk.get("/health").await;
    assert_eq!(health.routes["all"].percent_in_force, 0.0);
    assert!(health.routes["all"].why.contains("KILL file"), "{health:?}");
    assert!(!health.services["new"].enabled);
    desk.post("resume", &json!({})).await.unwrap();
    assert_eq!(desk.in_force(), 2_500);
    assert!(!desk.kill().exists());
    let desk = desk.again("25").await;
    assert_eq!(desk.in_force(), 2_500);
}

/// Between two looks the file was gone and is back: it must not be taken for the old one.
#[tokio::test]
async fn it_is_seen_again_right_after_a_resume() {
    let desk = Desk::open().await;
    for _ in 0..5 {
        std::fs::write(desk.kill(), "").unwrap();
        desk.comes_to(0).await;
        desk.post("resume", &json!({})).await.unwrap();
        std::fs::write(desk.kill(), "").unwrap();
        desk.comes_to(0).await;
        assert!(desk.why().contains("KILL file"));
        desk.post("resume", &json!({})).await.unwrap();
        assert_eq!(desk.in_force(), 2_500);
    }
}

/// What is refused must not have half happened.
#[tokio::test]
async fn a_resume_that_cannot_be_written_down_leaves_it_there() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    // No journal can be opened there.
    std::fs::create_dir_all(state.join("journal.ndjson")).unwrap();
    std::fs::write(kill_path(&state), "").unwrap();
    let desk = Desk::in_folder(folder, "25", "").await;
    assert_eq!(desk.in_force(), 0);
    let refused = desk.post("resume", &json!({})).await.unwrap_err();
    assert_eq!((refused.status, &*refused.reason), (503, "journal"));
    assert!(desk.kill().exists());
    std::fs::remove_file(desk.kill()).unwrap();
    desk.comes_to(2_500).await;
}

#[tokio::test]
async fn nobody_reaches_the_candidate_by_name_neither() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan =
        Plan::sides(&old, &new, 25.0, "side_header = true").listen("trusted = [\"127.0.0.1\"]");
    let house = plan.start().await;
    let mut client = house.client().await;
    let by_name = ["x-figshift-side: candidate"];
    assert_eq!(client.get_with("/", &by_name).await.text(), "new");
    std::fs::write(kill_path(&house.folder.path().join("state")), "").unwrap();
    eventually("the kill file is seen", || {
        house.standing().forces["all"].is_capped()
    })
    .await;
    assert_eq!(client.get_with("/", &by_name).await.text(), "old");
}
