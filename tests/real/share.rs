//! The share that was asked for is the share that arrives.

use std::time::Duration;

use super::house::Site;
use super::load::Load;
use super::origin::Origin;
use super::wait::until;

const REQUESTS: u64 = 200_000;
const CONNECTIONS: u32 = 64;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_quarter_is_a_quarter_by_the_count_of_the_origins() {
    let folder = tempfile::tempdir().unwrap();
    let legacy = Origin::start("legacy", folder.path()).await;
    let vastai = Origin::start("vastai", folder.path()).await;
    let site = Site::new(folder.path());
    let text = site.split(&legacy, &vastai, "25");
    let house = site.serve_text(&text).await;

    let mut answered = 0;
    for _ in 0..60 {
        let url = house.url("/");
        let load = Load::start(&url, CONNECTIONS, Duration::from_secs(5), folder.path());
        let seen = load.end().await;
        assert_eq!(seen.failed(), 0, "{seen:?}");
        answered += seen.requests;
        if answered >= REQUESTS {
            break;
        }
    }
    assert!(answered >= REQUESTS, "only {answered} requests in 5 min");

    // wrk leaves its last requests behind, so figshift's count may still rise.
    let (candidate, all) = until("figshift's counts", Duration::from_secs(5), async || {
        let (candidate, all) = (vastai.hits(), vastai.hits() + legacy.hits());
        let scrape = house.scrape().await;
        let counted = [
            scrape.sum("figshift_attempts_total", &[r#"backend="vastai""#]),
            scrape.sum("figshift_attempts_total", &[]),
        ];
        (counted == [candidate as f64, all as f64]).then_some((candidate, all))
    })
    .await;
    assert!(all >= answered, "{all} at the origins, {answered} answered");

    let (n, p) = (all as f64, 0.25);
    let sigma = (n * p * (1.0 - p)).sqrt();
    let off = (candidate as f64 - n * p) / sigma;
    let share = 100.0 * candidate as f64 / n;
    println!(
        "share: {candidate} of {all} requests reached the candidate: {share:.3} %, {off:+.2} sigma from 25 %"
    );
    assert!(off.abs() < 4.0);
}
