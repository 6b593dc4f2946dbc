//! A restart with a broken file starts from the last good one, and says so.

use super::house::{Site, backend};
use super::origin::Origin;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_broken_file_does_not_keep_a_restart_down() {
    let folder = tempfile::tempdir().unwrap();
    let legacy = Origin::start("legacy", folder.path()).await;
    let vastai = Origin::start("vastai", folder.path()).await;
    let site = Site::new(folder.path());
    let good = site.split(&legacy, &vastai, "100");
    let house = site.serve_text(&good).await;
    assert_eq!(house.health().await["config"]["status"], "applied");
    let site = house.stop().await;

    let broken = good.replace("percent = 100", "percent = \"all\"");
    let house = site.serve_text(&broken).await;
    assert_eq!(backend(&house.get("/").await), "vastai");
    let health = house.health().await;
    assert_eq!(health["config"]["status"], "last_good", "{health}");
    assert_eq!(health["status"], "degraded", "{health}");
    let problems = health["config"]["problems"].to_string();
    assert!(problems.contains("percent"), "{health}");
    let from_last_good = "figshift_config_from_last_good";
    assert_eq!(house.scrape().await.sum(from_last_good, &[]), 1.0);
    println!("restart: served from the last good file; /health: {problems}");
    house.stop().await;
}
