//! The candidate dies under load and comes back, again and again: no GET is lost, a POST is served
//! or honestly refused, and the traffic returns slowly.

use std::time::{Duration, Instant};

use figshift::policy::Phase;

use crate::support::eventually;
use crate::support::house::{House, Plan, two_sides};
use crate::support::load::{Load, Tally};
use crate::support::origin::Origin;

async fn house(old: &Origin, new: &Origin, slow_start: &str) -> House {
    let breaker = format!("breaker = {{ slow_start = {slow_start:?} }}");
    let text = two_sides(&[old], &[new], &breaker, 50.0, "");
    Plan::new(text).workers(2).start().await
}

fn assert_honest(tally: &Tally) {
    assert_eq!(tally.cut, Vec::<String>::new());
    assert_eq!(tally.of("GET"), tally.of("GET 200"), "{:?}", tally.answers);
    let honest = tally.of("POST 200") + tally.of("POST 502 upstream_reset");
    assert_eq!(tally.of("POST"), honest, "{:?}", tally.answers);
    assert!(tally.of("POST 200") > 0 && tally.of("GET 200") > 0);
}

#[tokio::test]
async fn five_sudden_deaths_lose_no_get() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&old, &new, "1ms").await;
    let load = Load::start(house.app.http, 16, 4);
    for _ in 0..5 {
        let served = load.so_far().all();
        eventually("the load runs", || load.so_far().all() > served + 100).await;
        new.kill().await;
        let served = load.so_far().all();
        eventually("the load runs on", || load.so_far().all() > served + 20).await;
        new.revive();
    }
    let tally = load.stop().await;
    assert_honest(&tally);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn traffic_leaves_a_dead_candidate_and_comes_back() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&old, &new, "1ms").await;
    let load = Load::start(house.app.http, 8, 4);
    // The wait doubles with each trip, so three rounds are what the time allows.
    for round in 1..=3 {
        let seen = new.count();
        eventually("the candidate serves", || new.count() > seen + 50).await;
        new.kill().await;
        eventually("the breaker opens", || house.phase(&new) == Phase::Open).await;
        assert_eq!(house.trips(&new), round);
        new.revive();
        eventually("it closes again", || house.phase(&new) == Phase::Closed).await;
    }
    let seen = new.count();
    eventually("the candidate serves", || new.count() > seen + 50).await;
    assert_honest(&load.stop().await);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn traffic_comes_back_slowly() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&old, &new, "20s").await;
    let load = Load::start(house.app.http, 8, 0);
    let seen = new.count();
    eventually("the candidate serves", || new.count() > seen + 50).await;
    new.kill().await;
    eventually("the breaker opens", || house.phase(&new) == Phase::Open).await;
    new.revive();
    eventually("it is warming", || house.phase(&new) == Phase::Warming).await;
    let (before, served, since) = (new.count(), load.so_far().all(), Instant::now());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (got, all) = (new.count() - before, load.so_far().all() - served);
    // Half of the requests are its own, and at first a tenth of these may pass; were the machine to
    // stand still for seconds, the share that may pass would have risen with the time.
    let share = got as f64 / all as f64;
    let most = 0.5 * (since.elapsed().as_secs_f64() / 20.0).max(0.1);
    assert!(got > 0, "of {all}");
    assert!(share < most + 0.05, "{got} of {all}");
    assert_honest_gets(&load.stop().await);
    house.stop().await;
}

fn assert_honest_gets(tally: &Tally) {
    assert_eq!(tally.cut, Vec::<String>::new());
    assert_eq!(tally.all(), tally.of("GET 200"), "{:?}", tally.answers);
}
