//! What becomes of a request by what the engine says.

use std::time::{Duration, Instant};

use figshift::control::{Actor, Change, What};
use figshift::stats::{Asked, Class, Fault, Reason};

use super::stand::{alone, house, post, seen};
use crate::support::client::request;
use crate::support::eventually;
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, Engine, Say, Work, Worker, auth_data};

#[tokio::test]
async fn a_worker_that_is_ready_gets_the_request_in_its_envelope() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let cost = "cost = { field = \"max_tokens\" }";
    let house = house(&engine, &old, cost, "backend_header = true").await;
    let answer = post(&house, &[]).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, COMPLETION));
    assert_eq!(answer.get("x-figshift-backend"), Some("new"));
    let said = (answer.get("x-model"), answer.get("set-cookie"));
    assert_eq!(
        said,
        (Some("m"), None),
        "a stranger sets no cookies in our name"
    );
    assert_eq!(old.count(), 0);

    let questions = engine.questions();
    assert_eq!(questions.len(), 1);
    assert_eq!(questions[0]["cost"], 256.0);
    assert_eq!(questions[0]["request_idx"], 0);
    assert_eq!(questions[0]["replay_timeout"], 60.0);

    let request = &worker.origin.seen()[0];
    assert_eq!(request.head.first, "POST /v1/chat/completions HTTP/1.1");
    let data = auth_data(&worker.url(), 10_203_040);
    let envelope = format!(
        "{{\"auth_data\":{data},\"session_id\":null,\"payload\":{}}}",
        super::stand::BODY
    );
    assert_eq!(String::from_utf8_lossy(&request.body), envelope);
    assert_eq!(request.head.get("content-type"), Some("application/json"));
    assert_eq!(request.head.content_length(), Some(envelope.len()));
    assert!(!request.head.is_chunked());
    let host = worker.origin.address.to_string();
    assert_eq!(request.head.get("host"), Some(&*host));

    let view = seen(&house);
    assert_eq!((view.asked(Asked::Ready), view.cost), (1, 256));
    assert_eq!(view.turns, [1, 0, 0, 0, 0]);
    assert_eq!(house.candidate().here(Class::Ok), 1);
    house.stop().await;
}

#[tokio::test]
async fn connections_to_a_worker_are_used_again() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let house = alone(&engine, "", "").await;
    for n in 1..=3 {
        assert_eq!(post(&house, &[]).await.status, 200);
        eventually("it is at rest", || house.in_flight() == 0).await;
        assert_eq!((worker.count(), worker.origin.accepted()), (n, 1));
    }
    house.stop().await;
}

#[tokio::test]
async fn who_waits_asks_again_with_the_same_index_and_then_gets_a_worker() {
    let worker = Worker::new(&[Work::Events]);
    let engine = Engine::new(&[Say::Waiting, Say::Waiting, worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    let begun = Instant::now();
    let mut client = house.client().await;
    let sent = request(
        "POST",
        "/v1/completions",
        &["content-type: application/json"],
        b"{}",
    );
    client.send(sent).await;
    eventually("it waits", || seen(&house).waiting == 1).await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), crate::support::serverless::EVENTS);
    assert!(
        begun.elapsed() >= Duration::from_secs(1),
        "a second before the second question"
    );
    assert_eq!(engine.indexes(), [0, 10_203_040, 10_203_040]);
    let view = seen(&house);
    assert_eq!(
        (view.asked(Asked::Waiting), view.asked(Asked::Ready)),
        (2, 1)
    );
    assert_eq!((view.turns, view.waiting), ([0, 1, 0, 0, 0], 0));
    assert_eq!(old.count(), 0);
    house.stop().await;
}

#[tokio::test]
async fn without_a_worker_it_goes_to_the_other_side_in_time() {
    let engine = Engine::new(&[Say::Waiting]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "wait = \"1500ms\"", "").await;
    let begun = Instant::now();
    let answer = post(&house, &[]).await;
    let took = begun.elapsed();
    assert_eq!((answer.status, answer.text().as_str()), (200, "old"));
    assert!(took >= Duration::from_millis(1500), "{took:?}");
    assert!(took < Duration::from_millis(2500), "{took:?}");
    // It had what the client has sent, and not the envelope.
    assert_eq!(old.seen()[0].body, super::stand::BODY.as_bytes());
    assert_eq!(old.seen()[0].target(), super::stand::CHAT);
    assert!(
        engine
            .indexes()
            .iter()
            .skip(1)
            .all(|index| *index == 10_203_040)
    );
    let counts = house.candidate();
    assert_eq!(counts.fallbacks(Reason::Capacity), 1);
    assert_eq!(counts.attempts(Class::Capacity), 1);
    assert_eq!(counts.elsewhere(Class::Ok), 1);
    let view = seen(&house);
    assert_eq!((view.turns, view.waiting), ([0, 0, 0, 1, 0], 0));
    assert_eq!(view.trips, 0);
    house.stop().await;
}

#[tokio::test]
async fn without_a_worker_and_another_side_it_is_told_when_to_come_again() {
    let engine = Engine::new(&[Say::Waiting]);
    let house = alone(&engine, "wait = \"300ms\"", "").await;
    for _ in 0..7 {
        // Nobody's breaker opens: the endpoint is well, and has no worker.
        let answer = post(&house, &[]).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (503, Some("queue_timeout"))
        );
        assert_eq!(answer.get("retry-after"), Some("1"));
    }
    assert_eq!(house.primary().here(Class::Capacity), 7);
    assert_eq!(seen(&house).trips, 0);
    assert_eq!(house.faults(Fault::QueueTimeout), 7);
    house.stop().await;
}

#[tokio::test]
async fn an_engine_that_gives_no_sense_is_a_failed_connect() {
    let old = Origin::saying("old");
    for (say, times, asked) in [
        (Say::ErrorMsg("something is wrong"), 2, Asked::Error),
        (Say::Garbage, 2, Asked::Error),
        (Say::Html("403 Forbidden"), 2, Asked::Error),
        (Say::Html("502 Bad Gateway"), 2, Asked::Error),
        (Say::Reset, 2, Asked::Error),
        (
            Say::Long("https://203.0.113.24:1".to_owned()),
            2,
            Asked::Error,
        ),
        (
            Say::Ready("https://10.0.0.5:1".to_owned()),
            2,
            Asked::BadUrl,
        ),
        (
            Say::Ready("https://169.254.169.254".to_owned()),
            2,
            Asked::BadUrl,
        ),
        (
            Say::Ready("https://user@203.0.113.24:1".to_owned()),
            2,
            Asked::BadUrl,
        ),
        (
            Say::Ready("https://worker.example.com:1".to_owned()),
            2,
            Asked::BadUrl,
        ),
        (
            Say::Ready("http://203.0.113.24:1".to_owned()),
            2,
            Asked::BadUrl,
        ),
    ] {
        let engine = Engine::new(std::slice::from_ref(&say));
        let lines = "[backends.new.tls]\ninsecure = true\n";
        let new = super::stand::backend(&engine, "", "");
        let new = new.replace("allow_private = true\nallow_http = true\n", "");
        let rest = format!(
            "[backends.old]\nendpoints = [{:?}]\n{new}\n{lines}\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n\
             candidate = \"new\"\npercent = 100\n",
            old.url()
        );
        let house = crate::support::house::Plan::new(rest).start().await;
        super::stand::has_key(&house).await;
        let answer = post(&house, &[]).await;
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "old"),
            "{say:?}"
        );
        let view = seen(&house);
        assert_eq!(
            (view.asked(asked), engine.asked()),
            (times, times as usize),
            "{say:?}"
        );
        let counts = house.candidate();
        assert_eq!(counts.attempts(Class::Connect), 1, "{say:?}");
        assert_eq!(counts.fallbacks(Reason::Connect), 1, "{say:?}");
        house.stop().await;
    }
}

#[tokio::test]
async fn one_bad_answer_of_the_engine_is_forgiven() {
    let worker = Worker::new(&[Work::Answer]);
    let bad = [
        Say::Garbage,
        Say::Reset,
        Say::Html("500 Internal Server Error"),
    ];
    for say in bad {
        let engine = Engine::new(&[say, worker.ready()]);
        let house = alone(&engine, "", "").await;
        assert_eq!(post(&house, &[]).await.status, 200);
        house.stop().await;
    }
}

#[tokio::test]
async fn an_engine_that_is_gone_opens_the_breaker() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "", "").await;
    engine.vast.origin().kill().await;
    for _ in 0..8 {
        assert_eq!(post(&house, &[]).await.text(), "old");
    }
    let counts = house.candidate();
    assert_eq!(counts.attempts(Class::Connect), 5);
    assert_eq!(
        (
            counts.fallbacks(Reason::Connect),
            counts.fallbacks(Reason::Bypass)
        ),
        (5, 3)
    );
    assert_eq!(seen(&house).trips, 1);
    engine.vast.origin().revive();
    // A probe closes it again.
    let mut served = 0;
    let end = Instant::now() + crate::support::DEADLINE;
    while served < 3 {
        assert!(Instant::now() < end, "it does not come back");
        served += usize::from(post(&house, &[]).await.text() == COMPLETION);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.stop().await;
}

#[tokio::test]
async fn an_engine_that_is_silent_costs_no_more_than_the_wait() {
    let engine = Engine::new(&[Say::Stall]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "wait = \"700ms\"", "").await;
    let begun = Instant::now();
    assert_eq!(post(&house, &[]).await.text(), "old");
    assert!(
        begun.elapsed() < Duration::from_millis(1700),
        "{:?}",
        begun.elapsed()
    );
    let counts = house.candidate();
    assert_eq!(
        (
            counts.attempts(Class::Connect),
            seen(&house).asked(Asked::Late)
        ),
        (1, 1)
    );
    house.stop().await;
}

#[tokio::test]
async fn a_slow_engine_and_one_that_is_asked_too_often_are_waited_for() {
    let worker = Worker::new(&[Work::Answer]);
    let slow = Say::Slow(Duration::from_millis(300));
    let engine = Engine::new(&[Say::Limited, slow, worker.ready()]);
    let house = alone(&engine, "", "").await;
    assert_eq!(post(&house, &[]).await.status, 200);
    let view = seen(&house);
    assert_eq!(
        (view.asked(Asked::Limited), view.asked(Asked::Ready)),
        (1, 1)
    );
    assert_eq!(view.turns, [0, 1, 0, 0, 0]);
    house.stop().await;
}

#[tokio::test]
async fn too_many_do_not_wait() {
    let engine = Engine::new(&[Say::Waiting]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "queue = 2\nwait = \"1m\"", "").await;
    let bytes = request("POST", "/", &["content-type: application/json"], b"{}");
    let mut waiting = Vec::new();
    for n in 1..=2 {
        let mut client = house.client().await;
        client.send(&bytes).await;
        eventually("it waits", || seen(&house).waiting == n).await;
        waiting.push(client);
    }
    let begun = Instant::now();
    assert_eq!(post(&house, &[]).await.text(), "old");
    assert!(begun.elapsed() < Duration::from_millis(900));
    assert_eq!(house.candidate().fallbacks(Reason::Capacity), 1);
    assert_eq!(seen(&house).turns, [0, 0, 1, 0, 0]);
    // Who leaves makes room, and is nobody's failure.
    drop(waiting);
    eventually("nobody waits", || seen(&house).waiting == 0).await;
    house.at_rest().await;
    assert_eq!(seen(&house).turns, [0, 0, 1, 0, 2]);
    let counts = house.candidate();
    assert_eq!(
        (
            counts.attempts(Class::Cancelled),
            counts.here(Class::Cancelled)
        ),
        (2, 2)
    );
    assert_eq!(seen(&house).trips, 0);
    let asked = engine.asked();
    tokio::time::sleep(Duration::from_millis(1200)).await;
    assert_eq!(engine.asked(), asked, "nobody asks for who has left");
    house.stop().await;
}

#[tokio::test]
async fn a_hard_rollback_takes_who_waits_to_the_primary_at_once() {
    let engine = Engine::new(&[Say::Waiting]);
    let old = Origin::saying("old");
    let house = house(&engine, &old, "wait = \"1m\"", "").await;
    let mut client = house.client().await;
    let bytes = request("POST", "/", &["content-type: application/json"], b"{}");
    client.send(&bytes).await;
    eventually("it waits", || seen(&house).waiting == 1).await;
    let what = What::Rollback {
        route: None,
        hard: true,
    };
    let change = Change::new(what, Actor::Signal);
    let begun = Instant::now();
    house.app.door().ask(change).await.unwrap();
    assert_eq!(client.read().await.unwrap().text(), "old");
    assert!(begun.elapsed() < Duration::from_millis(900));
    let counts = house.candidate();
    assert_eq!((counts.cut, counts.fallbacks(Reason::Cut)), (1, 1));
    assert_eq!(seen(&house).turns, [0; 5], "nobody has left");
    assert_eq!((seen(&house).waiting, seen(&house).trips), (0, 0));
    house.stop().await;
}

#[tokio::test]
async fn who_leaves_a_backend_that_drains_leaves_the_line_too() {
    let engine = Engine::new(&[Say::Waiting]);
    let old = Origin::saying("old");
    let table = crate::support::house::backend_table("old", &[&old], "");
    let lines = "wait = \"1m\"";
    let more = "on_disconnect = \"drain\"";
    let route = "keep_alive = \"1s\"";
    let house = super::stand::with(&engine, table, lines, more, route).await;
    let mut client = house.client().await;
    let bytes = request("POST", "/", &["content-type: application/json"], b"{}");
    client.send(&bytes).await;
    eventually("it waits", || seen(&house).waiting == 1).await;
    drop(client);
    house.at_rest().await;
    assert_eq!((seen(&house).waiting, old.count()), (0, 0));
    assert_eq!(house.candidate().here(Class::Cancelled), 1);
    house.stop().await;
}
