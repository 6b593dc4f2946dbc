//! Bodies that are larger than their route allows.

use figshift::stats::{Class, Fault};
use tokio::io::AsyncWriteExt as _;

use super::others::{Others, assert_problem};
use crate::support::eventually;
use crate::support::house::{House, Plan, backend_table};
use crate::support::noise;
use crate::support::origin::{Do, Origin, ok, raw};

async fn house(origin: &Origin, route: &str) -> House {
    let backend = backend_table("old", &[origin], "");
    let limited = format!(
        "[[routes]]\nname = \"limited\"\nmatch = {{ path = \"/limited\" }}\nprimary = \"old\"\nmax_body = 1000\n{route}\n"
    );
    let rest = "[[routes]]\nname = \"rest\"\nprimary = \"old\"\n";
    Plan::new(format!("{backend}{limited}{rest}")).start().await
}

#[tokio::test]
async fn a_length_that_is_too_much_is_refused_before_a_backend_is_asked() {
    let origin = Origin::saying("ok");
    let house = house(&origin, "").await;
    let mut client = house.client().await;
    let answer = client.request("POST", "/limited", &[], &noise(1001)).await;
    assert_problem(&answer.unwrap(), 413, "body_too_large");
    assert_eq!(origin.accepted(), 0);
    let mut client = house.client().await;
    for (target, len) in [("/limited", 1000), ("/other", 100_000), ("/limited", 1)] {
        let answer = client.request("POST", target, &[], &noise(len)).await;
        assert_eq!(answer.unwrap().text(), "ok", "{target} {len}");
    }
    assert_eq!(house.faults(Fault::BodyTooLarge), 1);
    house.at_rest().await;
    house.stop().await;
}

/// Without waiting for it, the system would throw the answer away.
#[tokio::test]
async fn a_client_that_is_still_sending_gets_its_answer() {
    let origin = Origin::saying("ok");
    let house = house(&origin, "").await;
    for _ in 0..10 {
        let mut client = house.client().await;
        let body = noise(3_000_000);
        let head = format!(
            "POST /limited HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        client.send(head).await;
        // All of it is sent before the answer is looked for.
        client.send(&body).await;
        assert_problem(&client.read().await.unwrap(), 413, "body_too_large");
    }
    eventually("no client is left", || house.clients() == 0).await;
    assert_eq!(origin.accepted(), 0);
    house.stop().await;
}

#[tokio::test]
async fn nobody_is_asked_to_go_on_with_what_is_too_much() {
    let origin = Origin::saying("ok");
    let house = house(&origin, "").await;
    let mut client = house.client().await;
    client
        .send("POST /limited HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n")
        .await;
    let answer = client.read().await.unwrap();
    assert_problem(&answer, 413, "body_too_large");
    assert!(answer.interim.is_empty());
    house.stop().await;
}

#[tokio::test]
async fn a_count_that_passes_the_limit_resets_what_was_sent() {
    for route in [
        "",
        "idempotent = true",
        "idempotent = true\nreplay_bytes = 0",
    ] {
        let origin = Origin::new(|_| vec![ok(b"ok")]);
        let house = house(&origin, route).await;
        let others = Others::begin(&house, "/").await;
        let mut client = house.client().await;
        client
            .send("POST /limited HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
            .await;
        let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
        client.send(&chunk).await;
        client.send(&chunk).await;
        // Without an end, until it is told.
        for _ in 0..1000 {
            if client.stream.write_all(chunk.as_bytes()).await.is_err() {
                break;
            }
        }
        assert_problem(&client.read().await.unwrap(), 413, "body_too_large");
        others.end().await;
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!(counts.attempts(Class::Cancelled), 1, "{counts:?}");
        assert_eq!(house.trips(&origin), 0);
        let whole = origin
            .seen()
            .iter()
            .filter(|seen| seen.target() == "/limited" && seen.whole)
            .count();
        assert_eq!(whole, 0, "{route}");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_body_at_the_limit_passes_whole_without_a_length() {
    let origin = Origin::saying("ok");
    let house = house(&origin, "idempotent = true").await;
    let mut client = house.client().await;
    let text = "x".repeat(1000);
    client
        .send(format!(
            "POST /limited HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3e8\r\n{text}\r\n0\r\n\r\n"
        ))
        .await;
    assert_eq!(client.read().await.unwrap().text(), "ok");
    assert_eq!(origin.seen()[0].body, text.as_bytes());
    house.stop().await;
}

/// The count passes the limit when the backend has answered already: that is no fault of the backend.
#[tokio::test]
async fn after_the_head_the_answer_breaks_and_nobody_is_blamed() {
    for answer in [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nyes\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-type: text/event-stream\r\n\r\n\
         9\r\ndata: a\n\n\r\n",
    ] {
        breaks(answer).await;
    }
}

/// A stream of which nothing has gone out is no answer yet.
#[tokio::test]
async fn while_a_stream_is_held_the_limit_is_the_answer() {
    let origin = Origin::early(|_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n"),
            raw("content-type: text/event-stream\r\n\r\n3\r\n:\n\n\r\n"),
            Do::ReadBody,
            raw("0\r\n\r\n"),
        ]
    });
    let house = house(&origin, "").await;
    let mut client = house.client().await;
    client
        .send("POST /limited HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    eventually("it is asked", || origin.count() == 1).await;
    // So that its head is here before the rest of the body.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    client.send(chunk.repeat(4)).await;
    assert_eq!(client.read().await.unwrap().status, 413);
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!(
        (counts.here(Class::Cancelled), counts.all_troubles()),
        (1, 0)
    );
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}

async fn breaks(answer: &'static str) {
    let origin = Origin::early(move |_| vec![raw(answer), Do::ReadBody, raw("0\r\n\r\n")]);
    let house = house(&origin, "").await;
    let mut client = house.client().await;
    client
        .send("POST /limited HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    client.read_head().await;
    let chunk = format!("1f4\r\n{}\r\n", "x".repeat(500));
    for _ in 0..4 {
        let _ = client.stream.write_all(chunk.as_bytes()).await;
    }
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!(counts.here(Class::Cancelled), 1, "{counts:?}");
    assert_eq!((counts.here(Class::Broken), counts.all_troubles()), (0, 0));
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}
