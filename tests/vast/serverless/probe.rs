//! The one request by which a breaker finds out whether its endpoint is well again.

use super::stand::{house, post, seen};
use crate::support::client::{Client, request};
use crate::support::eventually;
use crate::support::house::House;
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, Engine, Work, Worker};
use std::time::Duration;

/// The breaker of the candidate has opened, and would let a request try again.
async fn after_an_outage(engine: &Engine, old: &Origin, lines: &str) -> House {
    let house = house(engine, old, lines, "").await;
    engine.vast.origin().kill().await;
    for _ in 0..6 {
        assert_eq!(post(&house, &[]).await.text(), "old");
    }
    assert_eq!(seen(&house).trips, 1);
    engine.vast.origin().revive();
    eventually("it may be tried again", || {
        let snapshot = house.app.publisher.current();
        let backend = snapshot.backends.iter().find(|one| &*one.name == "new");
        let endpoint = &backend.unwrap().members[0].endpoint;
        let until = endpoint.fitness.waits_until();
        until.is_some_and(|until| endpoint.fitness.could_admit(until))
    })
    .await;
    tokio::time::sleep(Duration::from_millis(1600)).await;
    house
}

/// A request whose body is waited for, and the rest of it.
async fn half_sent(house: &House) -> (Client, Vec<u8>) {
    let kind = ["content-type: application/json"];
    let mut whole = request("POST", "/", &kind, b"{\"a\": 1}");
    let rest = whole.split_off(whole.len() - 3);
    let mut slow = house.client().await;
    slow.send(whole).await;
    eventually("it is read", || house.in_flight() == 1).await;
    (slow, rest)
}

#[tokio::test]
async fn it_is_not_kept_by_who_sends_slowly_or_leaves() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = after_an_outage(&engine, &old, "").await;
    let (slow, _) = half_sent(&house).await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    drop(slow);
    house.at_rest().await;
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    house.stop().await;
}

#[tokio::test]
async fn who_came_with_a_slow_body_goes_where_it_is_served_then() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    let (mut slow, rest) = half_sent(&house).await;
    engine.vast.origin().kill().await;
    for _ in 0..6 {
        assert_eq!(post(&house, &[]).await.text(), "old");
    }
    let asked = engine.asked();
    slow.send(rest).await;
    let answer = slow.read().await.unwrap();
    assert_eq!((answer.text().as_str(), engine.asked()), ("old", asked));
    assert_eq!(old.seen().pop().unwrap().body, b"{\"a\": 1}");
    assert_eq!(
        house.candidate().fallbacks(figshift::stats::Reason::Bypass),
        2
    );
    house.stop().await;
}
