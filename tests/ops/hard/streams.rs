//! Streams of the candidate are cut, and no others.

use std::time::Duration;

use figshift::stats::{Class, Reason, Side};
use serde_json::json;

use super::stand::{ALL, SIDE, TO_PRIMARY, desk, ends_well, origin, stream, usual};
use crate::desk::Desk;
use crate::support::client::{Client, request};
use crate::support::house::{Plan, bad_attempts};
use crate::support::load::{Load, Tally};
use crate::support::origin::{Do, Gate, Origin, Seen, raw};
use crate::support::{eventually, noise, soon};

#[tokio::test]
async fn a_stream_is_cut_and_its_neighbours_go_on() {
    let gate = Gate::default();
    let desk = usual(&gate).await;
    let mut cut = stream(&desk, "/all/stream", &[]).await;
    let neighbours = [
        stream(&desk, "/all/stream", &[TO_PRIMARY]).await,
        stream(&desk, "/side/stream", &[]).await,
    ];
    desk.hard(Some("all")).await;
    assert!(cut.is_closed().await, "without the end of the body");
    eventually("the backend is left", || desk.new.left() == 1).await;
    let books = desk.books(ALL, Side::Candidate);
    assert_eq!((books.cut, books.in_flight), (1, 0));
    assert_eq!(books.attempts(Class::Cancelled), 1);
    assert_eq!(books.here(Class::Cancelled), 1);
    assert_eq!(books.here(Class::Ok), 3);
    assert_eq!(desk.books(SIDE, Side::Candidate).in_flight, 1);
    gate.open();
    for neighbour in neighbours {
        ends_well(neighbour).await;
    }
    desk.house.at_rest().await;
    assert_eq!(desk.cut(), 1);
    desk.assert_no_blame();
    let host = format!("host: {}", desk.port());
    let metrics = desk.raw("GET /metrics", &[&host], "").await.text();
    for line in [
        "figshift_cut_total{route=\"all\"} 1\n",
        "figshift_cut_total{route=\"side\"} 0\n",
    ] {
        assert!(metrics.contains(line), "{line}");
    }
    desk.house.stop().await;
}

#[tokio::test]
async fn a_soft_rollback_cuts_nothing_and_a_hard_one_may_follow() {
    let gate = Gate::default();
    let desk = usual(&gate).await;
    let mut client = stream(&desk, "/all/stream", &[]).await;
    let stale = json!({ "hard": true, "if_epoch": 99 });
    assert_eq!(
        desk.post("rollback", &stale).await.unwrap_err().status,
        409,
        "what is refused cuts nothing"
    );
    desk.rollback().await;
    // Another client is cut meanwhile: the worker has looked, and left this one alone.
    desk.post("resume", &json!({})).await.unwrap();
    let mut other = stream(&desk, "/side/stream", &[]).await;
    desk.hard(Some("side")).await;
    assert!(other.is_closed().await);
    assert_eq!(desk.books(ALL, Side::Candidate).in_flight, 1);
    // At 0 % already, so nothing moves; what runs is cut all the same.
    desk.rollback().await;
    desk.hard(None).await;
    assert!(client.is_closed().await);
    desk.house.at_rest().await;
    assert_eq!(desk.cut(), 2);
    let journal = desk.journal().await;
    let said: Vec<_> = journal.entries.iter().map(|e| (&*e.what, e.hard)).collect();
    let (soft, hard) = (("rollback", false), ("rollback", true));
    assert_eq!(said, [soft, ("resume", false), hard, soft, hard]);
    desk.house.stop().await;
}

#[tokio::test]
async fn after_a_resume_streams_run_again() {
    let gate = Gate::default();
    let desk = usual(&gate).await;
    desk.hard(None).await;
    desk.post("resume", &json!({})).await.unwrap();
    // Who leaves was not cut.
    drop(stream(&desk, "/all/stream", &[]).await);
    desk.house.at_rest().await;
    let young = stream(&desk, "/all/stream", &[]).await;
    // Another cut, so the worker has looked with the stream there.
    let mut other = stream(&desk, "/side/stream", &[]).await;
    desk.hard(Some("side")).await;
    assert!(other.is_closed().await);
    gate.open();
    ends_well(young).await;
    desk.house.at_rest().await;
    assert_eq!(desk.cut(), 1);
    desk.house.stop().await;
}

/// Its connection is full, so nobody asks its body for more.
#[tokio::test]
async fn a_stream_to_a_slow_client_is_cut() {
    let chunk = noise(64 * 1024);
    let flood = move |_: &Seen| {
        let mut steps = vec![raw("HTTP/1.1 200 OK\r\n\r\n")];
        steps.extend((0..1_000).map(|_| Do::Send(chunk.clone())));
        steps
    };
    let desk = desk(Origin::saying("old"), Origin::new(flood), 1).await;
    let mut client = Client::small(desk.house.app.http).await;
    client.send(request("GET", "/all/x", &[], b"")).await;
    client.read_exactly(10_000).await;
    desk.hard(None).await;
    eventually("the backend is left", || desk.new.left() == 1).await;
    desk.house.at_rest().await;
    assert_eq!(desk.cut(), 1);
    desk.house.stop().await;
}

#[tokio::test]
async fn all_streams_of_all_workers_and_of_routes_that_are_gone_are_cut() {
    let gate = Gate::default();
    let desk = desk(origin("old", &gate), origin("new", &gate), 2).await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        for target in ["/all/stream", "/side/stream", "/safe/stream"] {
            clients.push(stream(&desk, target, &[]).await);
        }
    }
    let two = "[[routes]]\nname = \"side\"";
    let (one, _) = desk.house.plan.rest.split_once(two).unwrap();
    desk.house.save(one).await;
    assert_eq!(desk.house.app.publisher.current().routes.len(), 1);
    desk.hard(None).await;
    for client in &mut clients {
        assert!(client.is_closed().await);
    }
    eventually("the backend is left", || desk.new.left() == 30).await;
    desk.house.at_rest().await;
    desk.house.stop().await;
}

#[tokio::test]
async fn again_and_again_under_load_every_request_is_in_the_books() {
    let slow = |_: &Seen| {
        vec![
            Do::Pause(Duration::from_millis(10)),
            raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha"),
            Do::Pause(Duration::from_millis(10)),
            raw("lf"),
        ]
    };
    let (old, new) = (Origin::saying("old"), Origin::new(slow));
    let plan = Plan::sides(&old, &new, 100.0, "").workers(2);
    let house = plan.start().await;
    let desk = Desk { old, new, house };
    let load = Load::start(desk.house.app.http, 20, 2);
    // Until each kind of request was there when it happened.
    let seen_all = |tally: &Tally| {
        let went = desk.house.candidate().fallbacks(Reason::Cut);
        !tally.cut.is_empty() && tally.of("POST 502 cut") > 0 && went > 0
    };
    let rounds = async {
        while !seen_all(&load.so_far()) {
            let seen = desk.new.count();
            eventually("the candidate serves", || desk.new.count() > seen + 40).await;
            desk.hard(None).await;
            eventually("nothing runs there", || {
                desk.house.candidate().in_flight == 0
            })
            .await;
            desk.post("resume", &json!({})).await.unwrap();
        }
    };
    soon("each kind is cut", rounds).await;
    let tally = load.stop().await;
    desk.house.at_rest().await;
    let books = desk.house.candidate();
    let all = books.all_requests() + desk.house.primary().all_requests();
    assert_eq!(all, tally.all());
    assert_eq!(tally.of("GET"), tally.of("GET 200"), "{tally:?}");
    let refused = tally.of("POST 502 cut");
    assert_eq!(tally.of("POST"), tally.of("POST 200") + refused);
    let went = books.fallbacks(Reason::Cut);
    assert_eq!(books.cut, tally.cut.len() as u64 + refused + went);
    assert_eq!(bad_attempts(&books), 0);
    desk.house.stop().await;
}
