//! The candidate dies under load and comes back, and no client that may be served goes without.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::Client;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::house::{House, Site};
use super::load::Load;
use super::origin::Origin;
use super::wait::until;

/// A dead backend must be noticed by then.
const NOTICED: Duration = Duration::from_secs(10);
/// The breaker waits longer after each trip, so a house is asked for a few recoveries only.
const ROUNDS: [u32; 3] = [4, 3, 3];
const BACK: Duration = Duration::from_secs(40);
/// Longer than the slow start of the candidate's breaker.
const HALF_SECONDS: usize = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn ten_deaths_of_the_candidate_fail_no_get() {
    let folder = tempfile::tempdir().unwrap();
    let legacy = Origin::start("legacy", folder.path()).await;
    let mut vastai = Origin::start("vastai", folder.path()).await;
    let (mut gets, mut posts, mut honest) = (0, 0, 0);
    for (round, kills) in ROUNDS.into_iter().enumerate() {
        let site = Site::new(folder.path());
        let text = site.split(&legacy, &vastai, "50");
        let house = site.serve_text(&text).await;
        let load = Load::start(&house.url("/"), 32, Duration::from_secs(300), folder.path());
        let writers = Writers::start(&house);
        for kill in 0..kills {
            die_and_rise(&house, &mut vastai).await;
            if round == 0 && kill == 0 {
                watch_recovery(&legacy, &vastai).await;
            }
        }
        let written = writers.stop().await;
        let seen = load.stop().await;
        let fallbacks = house.scrape().await.sum("figshift_fallbacks_total", &[]);
        assert_eq!(seen.failed(), 0, "GETs: {seen:?}");
        assert!(fallbacks > 0.0, "nobody was on the way to the dead");
        gets += seen.requests;
        posts += written.good + written.refused;
        honest += written.refused;
        house.stop().await;
    }
    println!("kill: 10 deaths under {gets} GETs: 0 failed; {posts} POSTs: {honest} honest 502s");
}

/// One death under load: it is noticed, requests go on, the candidate comes back and is used again.
async fn die_and_rise(house: &House, vastai: &mut Origin) {
    let trips = async || {
        let trips = house.scrape().await;
        trips.sum("figshift_breaker_trips_total", &[r#"backend="vastai""#])
    };
    let before = vastai.hits();
    until("traffic at the candidate", NOTICED, async || {
        (vastai.hits() > before + 50).then_some(())
    })
    .await;
    let tripped = trips().await;
    vastai.kill();
    until("the breaker trips", NOTICED, async || {
        (trips().await > tripped).then_some(())
    })
    .await;
    let dead = vastai.hits();
    vastai.rise().await;
    until(
        "traffic at the candidate after its return",
        BACK,
        async || (vastai.hits() > dead + 3).then_some(()),
    )
    .await;
}

/// The candidate's share of what the origins get, per half second: it rises.
async fn watch_recovery(legacy: &Origin, vastai: &Origin) {
    let mut turns = interval(Duration::from_millis(500));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    turns.tick().await;
    let mut shares = Vec::new();
    let mut last = (legacy.hits(), vastai.hits());
    while shares.len() < HALF_SECONDS {
        turns.tick().await;
        let now = (legacy.hits(), vastai.hits());
        let (rest, candidate) = ((now.0 - last.0) as f64, (now.1 - last.1) as f64);
        shares.push(100.0 * candidate / (rest + candidate));
        last = now;
    }
    let line: Vec<String> = shares.iter().map(|share| format!("{share:.0}")).collect();
    println!(
        "kill: share of the candidate per half second after its return, 50 % asked for: {} %",
        line.join(" ")
    );
    assert!(shares[0] < 20.0, "it is flooded at once");
    let end = shares[HALF_SECONDS - 1];
    assert!((40.0..60.0).contains(&end), "it has not come back: {end} %");
}

/// Clients that send what must not be repeated.
struct Writers {
    stop: Arc<AtomicBool>,
    tasks: JoinSet<Written>,
}

#[derive(Debug, Default)]
struct Written {
    good: u64,
    /// 502, with the reason.
    refused: u64,
}

impl Writers {
    fn start(house: &House) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut tasks = JoinSet::new();
        for _ in 0..4 {
            let (stop, url) = (Arc::clone(&stop), house.url("/jobs"));
            tasks.spawn(write(house.client.clone(), url, stop));
        }
        Self { stop, tasks }
    }

    async fn stop(self) -> Written {
        self.stop.store(true, Ordering::Relaxed);
        let all = self.tasks.join_all().await;
        Written {
            good: all.iter().map(|one| one.good).sum(),
            refused: all.iter().map(|one| one.refused).sum(),
        }
    }
}

async fn write(client: Client, url: String, stop: Arc<AtomicBool>) -> Written {
    let mut written = Written::default();
    while !stop.load(Ordering::Relaxed) {
        let body = r#"{"prompt": "once"}"#;
        let answer = client.post(&url).body(body).send().await.unwrap();
        let status = answer.status().as_u16();
        let reason = answer.headers().contains_key("x-figshift-reason");
        match (status, reason) {
            (200, false) => written.good += 1,
            (502, true) => written.refused += 1,
            _ => panic!("{status}, reason given: {reason}"),
        }
        drop(answer.bytes().await.unwrap());
    }
    written
}
