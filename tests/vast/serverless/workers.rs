//! What becomes of a request by what a worker does with it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use figshift::stats::{Class, HistogramTotals, Reason, Trouble, Worked};

use super::stand::{ONCE, alone, house, post, seen, with};
use crate::support::client::{Cut, request};
use crate::support::eventually;
use crate::support::house::backend_table;
use crate::support::origin::{Do, Gate, Origin, raw, status};
use crate::support::serverless::{COMPLETION, Engine, Say, Work, Worker};
use crate::support::tls::{Authority, tls_before};

#[tokio::test]
async fn a_worker_that_lets_nobody_in_is_asked_for_once_more() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Empty("401 Unauthorized"), Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let first = house(&engine, &old, "", "").await;
    let answer = post(&first, &[]).await;
    assert_eq!(answer.text(), COMPLETION);
    assert_eq!(engine.indexes(), [0, 10_203_040]);
    let view = seen(&first);
    assert_eq!(
        (
            view.again(Worked::Unauthorized),
            view.worked(Worked::Answered)
        ),
        (1, 1)
    );
    first.stop().await;

    worker.set(&[Work::Empty("401 Unauthorized")]);
    let second = house(&engine, &old, "", "").await;
    let before = worker.count();
    let answer = post(&second, &[]).await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "old"));
    assert_eq!(worker.count() - before, 2);
    let counts = second.candidate();
    assert_eq!(counts.fallbacks(Reason::Refused), 1);
    assert_eq!(counts.attempts(Class::ServerError), 1);
    // Also where it must not be repeated: nobody has processed it.
    assert_eq!(counts.unsafe_to_repeat, 0);
    for _ in 0..6 {
        assert_eq!(post(&second, &[]).await.text(), "old");
    }
    assert_eq!(
        seen(&second).trips,
        1,
        "as a gateway with nothing behind it"
    );
    second.stop().await;
}

#[tokio::test]
async fn a_client_never_sees_the_401_of_a_worker() {
    let worker = Worker::new(&[Work::Empty("401 Unauthorized")]);
    let engine = Engine::new(&[worker.ready()]);
    let house = alone(&engine, "", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_refused"))
    );
    assert_eq!(worker.count(), 2);
    house.stop().await;
}

#[tokio::test]
async fn an_envelope_that_is_refused_is_sent_to_nobody_else() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Empty("422 Unprocessable Entity")]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    assert_eq!(post(&house, &[]).await.text(), "old");
    assert_eq!((worker.count(), engine.asked()), (1, 1));
    assert_eq!(seen(&house).worked(Worked::BadEnvelope), 1);
    assert_eq!(house.candidate().fallbacks(Reason::Refused), 1);
    house.stop().await;

    let house = alone(&engine, "", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!((answer.status, answer.reason()), (422, None));
    assert_eq!(worker.count(), 2);
    house.stop().await;
}

#[tokio::test]
async fn a_busy_worker_is_waited_for_by_the_same_index() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Empty("429 Too Many Requests"), Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let first = house(&engine, &old, "", "").await;
    let begun = Instant::now();
    assert_eq!(post(&first, &[]).await.text(), COMPLETION);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert_eq!(engine.indexes(), [0, 10_203_040]);
    let view = seen(&first);
    assert_eq!(
        (view.worked(Worked::Busy), view.again(Worked::Busy)),
        (1, 1)
    );
    let turns = view.turns;
    first.stop().await;

    worker.set(&[Work::Empty("429 Too Many Requests")]);
    let second = house(&engine, &old, "wait = \"1200ms\"", "").await;
    assert_eq!(post(&second, &[]).await.text(), "old");
    let counts = second.candidate();
    assert_eq!(
        (
            counts.fallbacks(Reason::Capacity),
            counts.attempts(Class::Capacity)
        ),
        (1, 1)
    );
    assert_eq!(seen(&second).trips, 0);
    // Each has had its first worker at once, and is counted once however often it waits.
    assert_eq!([turns, seen(&second).turns], [[1, 0, 0, 0, 0]; 2]);
    second.stop().await;
}

#[tokio::test]
async fn a_model_that_has_failed_is_tried_again_only_where_that_does_no_harm() {
    let old = Origin::saying("old");
    let failed = Work::Empty("500 Internal Server Error");
    let worker = Worker::new(&[failed.clone(), Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!((answer.status, answer.text().as_str()), (500, ""));
    assert_eq!((worker.count(), old.count()), (1, 0));

    worker.set(&[failed.clone(), Work::Answer]);
    assert_eq!(post(&house, &[ONCE]).await.text(), COMPLETION);
    assert_eq!(seen(&house).again(Worked::Failed), 1);

    // Three workers at most.
    worker.set(&[failed]);
    let before = worker.count();
    assert_eq!(post(&house, &[ONCE]).await.status, 500);
    assert_eq!(worker.count() - before, 3);
    house.stop().await;
}

#[tokio::test]
async fn second_workers_hold_their_place_in_the_budget_to_the_end() {
    const BUDGET: u64 = 3;
    let gate = Gate::default();
    let held = gate.clone();
    let work = std::sync::Mutex::new(BTreeMap::new());
    // The first worker of each fails; the second one begins and stays.
    let worker = Origin::new(move |seen| {
        let mut work = work.lock().unwrap();
        let times: &mut u32 = work
            .entry(seen.head.get("x-request-id").unwrap().to_owned())
            .or_default();
        *times += 1;
        match times {
            1 => vec![status("500 Oh", &[], b"")],
            _ => vec![
                raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbe"),
                Do::Await(held.clone()),
                raw("ll"),
            ],
        }
    });
    let engine = Engine::new(&[Say::Ready(worker.url())]);
    let house = alone(&engine, "", "").await;
    let lines = ["content-type: application/json", ONCE];
    let bytes = request("POST", "/", &lines, b"{}");
    let mut begun = Vec::new();
    for n in 1..=BUDGET {
        let mut client = house.client().await;
        client.send(&bytes).await;
        eventually("its second worker has begun", || {
            worker.count() as u64 == 2 * n
        })
        .await;
        begun.push(client);
    }
    let heads = || {
        let snapshot = house.app.publisher.current();
        let mut heads = HistogramTotals::default();
        let cells = snapshot.routes[0].primary.cells.iter();
        cells.for_each(|cell| heads.add(&cell.head));
        heads.count()
    };
    eventually("all have their heads", || heads() == BUDGET).await;
    let answer = post(&house, &[ONCE]).await;
    assert_eq!((answer.status, house.primary().over_budget), (500, 1));
    gate.open();
    for mut client in begun {
        assert_eq!(client.read().await.unwrap().text(), "bell");
    }
    house.at_rest().await;
    assert_eq!(post(&house, &[ONCE]).await.text(), "bell");
    house.stop().await;
}

#[tokio::test]
async fn what_the_model_says_goes_to_the_client() {
    let worker = Worker::new(&[
        Work::Model("400 Bad Request", "no such model"),
        Work::Model("500 Internal Server Error", "out of memory"),
        Work::Model("404 Not Found", ""),
        Work::Model("503 Service Unavailable", "loading"),
    ]);
    let engine = Engine::new(&[worker.ready()]);
    let house = alone(&engine, "", "").await;
    for (status, text) in [
        (400, "no such model"),
        (500, "out of memory"),
        (404, ""),
        (503, "loading"),
    ] {
        let answer = post(&house, &[ONCE]).await;
        assert_eq!(
            (answer.status, answer.text().as_str(), answer.reason()),
            (status, text, None)
        );
    }
    assert_eq!(seen(&house).worked(Worked::Answered), 4);
    house.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_gone_is_replaced() {
    let old = Origin::saying("old");
    let dead = Origin::dead();
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[Say::Ready(dead.url()), worker.ready()]);
    let first = house(&engine, &old, "", "").await;
    assert_eq!(post(&first, &[]).await.text(), COMPLETION);
    assert_eq!(engine.indexes(), [0, 10_203_040]);
    assert_eq!(seen(&first).again(Worked::Connect), 1);
    first.stop().await;

    // Three at most, then it is nobody's turn.
    engine.say(&[Say::Ready(dead.url())]);
    let before = engine.asked();
    let second = house(&engine, &old, "", "").await;
    assert_eq!(post(&second, &[]).await.text(), "old");
    assert_eq!(engine.asked() - before, 3);
    let counts = second.candidate();
    assert_eq!(
        (
            counts.attempts(Class::Connect),
            counts.fallbacks(Reason::Connect)
        ),
        (1, 1)
    );
    second.stop().await;
}

#[tokio::test]
async fn a_request_that_may_have_begun_is_not_sent_again() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Reset, Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_reset"))
    );
    assert_eq!((worker.count(), old.count()), (1, 0));
    assert_eq!(house.candidate().unsafe_to_repeat, 1);

    worker.set(&[Work::Reset, Work::Answer]);
    assert_eq!(post(&house, &[ONCE]).await.text(), COMPLETION);
    assert_eq!(seen(&house).again(Worked::Reset), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_worker_that_is_silent_is_a_timeout() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Stall]);
    let engine = Engine::new(&[worker.ready()]);
    let table = backend_table("old", &[&old], "");
    let house = with(&engine, table, "", "timeouts.head = \"300ms\"", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (504, Some("upstream_timeout"))
    );
    assert_eq!(post(&house, &[ONCE]).await.text(), "old");
    assert_eq!(worker.count(), 2);
    assert_eq!(seen(&house).worked(Worked::Timeout), 2);
    house.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_is_cut_and_never_sent_twice() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::BrokenEvents, Work::BrokenBody]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    let lines = ["content-type: application/json", ONCE];
    for (n, begin) in [(1, "data: {\"n\": 1}\n\n"), (2, "half")] {
        let mut client = house.client().await;
        client
            .send(request("POST", "/v1/completions", &lines, b"{}"))
            .await;
        match client.read().await {
            Err(Cut::Body(answer)) => {
                assert!(answer.text().starts_with(begin), "{}", answer.text())
            }
            other => panic!("{other:?}"),
        }
        house.at_rest().await;
        assert_eq!((worker.count(), old.count()), (n, 0));
    }
    let counts = house.candidate();
    assert_eq!(
        (counts.here(Class::Broken), counts.troubles(Trouble::Broken)),
        (2, 2)
    );
    house.stop().await;
}

#[tokio::test]
async fn who_leaves_while_a_worker_computes_stops_it() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Stall]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    let bytes = request("POST", "/", &["content-type: application/json"], b"{}");
    for n in 1..=6 {
        let mut client = house.client().await;
        client.send(&bytes).await;
        eventually("it computes", || worker.count() == n).await;
        drop(client);
        eventually("it is left", || worker.origin.left() == n).await;
    }
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(counts.here(Class::Cancelled), 6);
    assert_eq!(counts.attempts(Class::Cancelled), 6);
    let view = seen(&house);
    assert_eq!((view.trips, view.waiting, old.count()), (0, 0, 0));
    assert_eq!(view.turns, [6, 0, 0, 0, 0]);
    house.stop().await;
}

#[tokio::test]
async fn a_stream_without_an_event_goes_over_where_that_does_no_harm() {
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::NoEvent]);
    let engine = Engine::new(&[worker.ready()]);
    let house = house(&engine, &old, "", "").await;
    let answer = post(&house, &[]).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_broken"))
    );
    assert_eq!(post(&house, &[ONCE]).await.text(), "old");
    assert_eq!(house.candidate().fallbacks(Reason::Broken), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_worker_has_to_be_whom_the_backend_says() {
    let (ours, other) = (Authority::new(), Authority::new());
    let folder = tempfile::tempdir().unwrap();
    let old = Origin::saying("old");
    let worker = Worker::new(&[Work::Answer]);
    let address = tls_before(&worker.origin, &ours, "127.0.0.1").await;
    let engine = Engine::new(&[Say::Ready(format!("https://{address}"))]);
    for (name, authority, text) in [("ours", &ours, COMPLETION), ("other", &other, "old")] {
        let path = folder.path().join(name);
        std::fs::write(&path, authority.pem()).unwrap();
        let tls = format!("tls = {{ ca = [{path:?}] }}");
        let table = backend_table("old", &[&old], "");
        let house = with(&engine, table, "", &tls, "").await;
        assert_eq!(post(&house, &[]).await.text(), text, "{name}");
        house.stop().await;
    }
}
