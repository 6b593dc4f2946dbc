//! Who is blamed for what: a backend that has failed, and neither a client nor the one that stood in for it.

use super::stand::{ONCE, admin, alone, backend, has_key, house, post, seen, with};
use crate::support::house::{House, Plan, backend_table};
use crate::support::origin::{Do, Origin};
use crate::support::serverless::{COMPLETION, Engine, Say, Work, Worker};
use figshift::stats::{Class, Reason, Worked};
use serde_json::Value;
use std::time::Duration;

/// A house in which all requests belong to the primary, with a Serverless candidate beside it.
async fn beside(engine: &Engine, old: &Origin) -> House {
    let table = backend_table("old", &[old], "");
    let new = backend(engine, "", "");
    let route =
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 0.01\n";
    let house = Plan::new(format!("{table}{new}{route}")).start().await;
    has_key(&house).await;
    house
}

#[tokio::test]
async fn who_fits_nowhere_else_is_told_of_the_primary_that_is_gone() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::dead();
    let house = beside(&engine, &old).await;
    let get = async || {
        let mut client = house.client().await;
        client.request("GET", "/x", &[], b"").await.unwrap()
    };
    // Also when its breaker has opened.
    for n in 0..8 {
        let answer = get().await;
        let told = (answer.status, answer.reason());
        assert_eq!(told, (502, Some("upstream_connect")), "{n}");
    }
    let counts = house.primary();
    assert_eq!(counts.here(Class::ClientError), 0);
    // One in ten thousand is drawn for the candidate.
    let drawn_for_it = house.candidate().all_requests();
    assert_eq!(counts.here(Class::Connect) + drawn_for_it, 8);
    assert_eq!(counts.fallbacks(Reason::Bypass), 0);
    assert_eq!((worker.count(), engine.asked()), (0, 0));
    // What fits is served there meanwhile.
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    assert_eq!(house.primary().fallbacks(Reason::Bypass), 1);
    // And a primary that is back serves what does not, before anybody has found out.
    old.revive();
    assert_eq!(get().await.text(), "alive");
    house.stop().await;
}

#[tokio::test]
async fn a_worker_that_fails_late_has_failed() {
    let old = Origin::saying("old");
    // It takes longer than the wait: that is for who has none.
    let broken = Origin::new(|_| vec![Do::Pause(Duration::from_millis(400)), Do::Reset]);
    let engine = Engine::new(&[Say::Ready(broken.url())]);
    let first = house(&engine, &old, "wait = \"300ms\"", "").await;
    for _ in 0..5 {
        assert_eq!(post(&first, &[ONCE]).await.text(), "old");
    }
    let counts = first.candidate();
    let classes = (
        counts.attempts(Class::Reset),
        counts.attempts(Class::Capacity),
    );
    assert_eq!((classes, seen(&first).trips), ((5, 0), 1));
    assert_eq!(counts.fallbacks(Reason::Reset), 5);
    first.stop().await;

    // One that could not be reached before the time was up is what has failed, too.
    let dead = Origin::dead();
    let mut list = Vec::new();
    for _ in 0..20 {
        list.push(Say::Slow(Duration::from_millis(280)));
        list.push(Say::Ready(dead.url()));
    }
    let engine = Engine::new(&list);
    let second = house(&engine, &old, "wait = \"500ms\"", "").await;
    for _ in 0..5 {
        assert_eq!(post(&second, &[]).await.text(), "old");
    }
    let counts = second.candidate();
    let classes = (
        counts.attempts(Class::Connect),
        counts.attempts(Class::Capacity),
    );
    assert_eq!((classes, seen(&second).trips), ((5, 0), 1));
    second.stop().await;
}

#[tokio::test]
async fn a_model_that_has_failed_before_the_time_was_up_is_what_the_client_hears_of() {
    let worker = Worker::new(&[Work::Empty("500 Internal Server Error")]);
    let engine = Engine::new(&[worker.ready(), Say::Waiting]);
    let house = alone(&engine, "wait = \"300ms\"", "").await;
    let answer = post(&house, &[ONCE]).await;
    assert_eq!((answer.status, answer.reason()), (500, None));
    let counts = house.primary();
    assert_eq!(counts.here(Class::ServerError), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_busy_worker_is_waited_for_no_longer_than_none() {
    let old = Origin::saying("old");
    let busy = Origin::new(|_| {
        let answer = crate::support::origin::status("429 Too Many Requests", &[], b"");
        vec![Do::Pause(Duration::from_millis(400)), answer]
    });
    let engine = Engine::new(&[Say::Ready(busy.url())]);
    let house = house(&engine, &old, "wait = \"500ms\"", "").await;
    assert_eq!(post(&house, &[]).await.text(), "old");
    assert_eq!(house.candidate().attempts(Class::Capacity), 1);
    assert_eq!(seen(&house).worked(Worked::Busy), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_a_worker_does_not_take_harms_nobody_but_its_client() {
    let invalid = "{\"detail\": \"max_tokens: not an integer\"}";
    let worker = Worker::new(&[Work::Model("422 Unprocessable Entity", invalid)]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let sided = house(&engine, &old, "", "").await;
    for _ in 0..8 {
        assert_eq!(post(&sided, &[]).await.text(), "old");
    }
    let counts = sided.candidate();
    assert_eq!(counts.fallbacks(Reason::Refused), 8);
    assert_eq!(counts.attempts(Class::ClientError), 8);
    assert_eq!(counts.attempts(Class::ServerError), 0);
    assert_eq!(seen(&sided).trips, 0);
    assert_eq!(seen(&sided).worked(Worked::BadEnvelope), 8);
    sided.stop().await;

    let lonely = alone(&engine, "", "").await;
    for _ in 0..8 {
        let answer = post(&lonely, &[]).await;
        let told = (answer.status, answer.text());
        assert_eq!(told, (422, invalid.to_owned()));
    }
    assert_eq!(seen(&lonely).trips, 0);
    assert_eq!(lonely.primary().here(Class::ClientError), 8);
    lonely.stop().await;
}

#[tokio::test]
async fn the_books_know_how_long_it_has_waited() {
    let engine = Engine::new(&[Say::Waiting]);
    let old = Origin::saying("old");
    let first = house(&engine, &old, "wait = \"400ms\"", "").await;
    let answer = post(&first, &[]).await;
    let times = moments(&first, answer.get("x-request-id").unwrap()).await;
    assert!(times[1] >= 400.0, "the other side came later: {times:?}");
    assert!(busy(&first) >= Duration::from_millis(400));
    first.stop().await;

    // A body that comes slowly is no time of the backend's.
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let second = house(&engine, &old, "", "").await;
    let lines = ["content-type: application/json"];
    let whole = crate::support::client::request("POST", "/", &lines, b"{\"a\": 1}");
    let mut client = second.client().await;
    client.send(&whole[..whole.len() - 3]).await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    client.send(&whole[whole.len() - 3..]).await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.text(), COMPLETION);
    let times = moments(&second, answer.get("x-request-id").unwrap()).await;
    assert!(times[0] >= 900.0, "it began with its body: {times:?}");
    second.at_rest().await;
    assert!(busy(&second) < Duration::from_millis(800));
    second.stop().await;

    // The breaker counts from when nobody was let in.
    let slow = Origin::new(|_| {
        let answer = crate::support::origin::status("401 Unauthorized", &[], b"");
        vec![Do::Pause(Duration::from_millis(400)), answer]
    });
    let engine = Engine::new(&[Say::Ready(slow.url())]);
    let third = with(&engine, backend_table("old", &[&old], ""), "", "", "").await;
    for _ in 0..5 {
        assert_eq!(post(&third, &[]).await.text(), "old");
    }
    assert_eq!(seen(&third).trips, 1);
    let snapshot = third.app.publisher.current();
    let endpoint = &snapshot
        .backends
        .iter()
        .find(|one| &*one.name == "new")
        .unwrap()
        .members[0]
        .endpoint;
    let until = endpoint.fitness.waits_until().unwrap();
    let asked = admin(&third, "/api/v1/state").await;
    assert!(
        until > Duration::from_millis(5 * 800 + 900),
        "{until:?} {asked}"
    );
    third.stop().await;
}

/// When the tries of a request began, in milliseconds.
async fn moments(house: &House, id: &str) -> Vec<f64> {
    let told = admin(house, &format!("/api/v1/requests/{id}")).await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let tries = told["tries"].as_array().unwrap().iter();
    tries
        .map(|tried| {
            tried["began_ms"]
                .as_f64()
                .unwrap_or_else(|| panic!("{told}"))
        })
        .collect()
}

/// For how long tries at the candidate were under way.
fn busy(house: &House) -> Duration {
    let snapshot = house.app.publisher.current();
    let arm = snapshot.routes[0].candidate.as_ref().unwrap();
    let nanos = arm.cells.iter();
    let nanos = nanos.flat_map(|cell| cell.busy.iter().map(|count| count.get()));
    Duration::from_nanos(nanos.sum())
}
