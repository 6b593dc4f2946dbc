//! Streams of the candidate are cut, and no others.

use figshift::stats::{Class, Side};
use serde_json::json;

use super::stand::{ALL, SIDE, TO_PRIMARY, desk, ends_well, origin, stream, usual};
use crate::support::client::{Client, request};
use crate::support::origin::{Do, Gate, Origin, Seen, raw};
use crate::support::{eventually, noise};

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
    assert_eq!(desk.cut(), 2);
    let journal = desk.journal().await;
    let said: Vec<_> = journal.entries.iter().map(|e| (&*e.what, e.hard)).collect();
    let (soft, hard) = (("rollback", false), ("rollback", true));
    assert_eq!(said, [soft, ("resume", false), hard, soft, hard]);
    desk.house.at_rest().await;
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
    assert_eq!(desk.cut(), 1);
    desk.house.at_rest().await;
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
