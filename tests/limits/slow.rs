//! Clients that are slow: with their head, with their body, with taking their answer.

use std::time::{Duration, Instant};

use figshift::stats::{Class, Fault, Lapse};
use tokio::io::AsyncWriteExt as _;

use super::others::{Others, assert_problem};
use crate::support::client::{Client, request};
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::noise;
use crate::support::origin::{Do, Origin, ok, raw};

fn lapses(house: &House, lapse: Lapse) -> u64 {
    let cells = house.app.workers.iter();
    cells.map(|cell| cell.lapses[lapse as usize].get()).sum()
}

#[tokio::test]
async fn a_head_that_never_ends_ends_its_connection() {
    let origin = Origin::saying("ok");
    let limits = "limits = { head_time = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let since = Instant::now();
    let mut dribbling = Vec::new();
    for _ in 0..200 {
        let mut client = house.client().await;
        client.send("GET / HTTP/1.1\r\nhost: a\r\n").await;
        dribbling.push(client);
    }
    // A line now and then keeps nobody in.
    let mut alive = dribbling.len();
    while alive > 0 {
        alive = 0;
        for client in &mut dribbling {
            let sent = client.stream.try_write(b"x: y\r\n").is_ok();
            alive += usize::from(sent && house.faults(Fault::SlowHead) < 200);
        }
        assert!(since.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(since.elapsed() >= Duration::from_millis(900));
    for client in &mut dribbling {
        assert_problem(&client.read().await.unwrap(), 408, "slow_head");
    }
    assert_eq!(lapses(&house, Lapse::SlowHead), 200);
    drop(dribbling);
    assert!(others.end().await > 50);
    eventually("they are gone", || house.clients() == 0).await;
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn who_says_nothing_is_left_without_a_word_and_who_has_been_served_may_wait() {
    let origin = Origin::saying("ok");
    let limits = "limits = { head_time = \"500ms\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let mut silent = house.client().await;
    let mut idle = house.client().await;
    assert_eq!(idle.get("/").await.text(), "ok");
    let mut half = house.client().await;
    assert_eq!(half.get("/").await.text(), "ok");
    let since = Instant::now();
    half.send("GET / HT").await;
    assert!(silent.is_closed().await);
    assert_problem(&half.read().await.unwrap(), 408, "slow_head");
    assert!(since.elapsed() >= Duration::from_millis(450));
    assert!(half.is_closed().await);
    assert_eq!(lapses(&house, Lapse::SlowHead), 2);
    assert_eq!(house.faults(Fault::SlowHead), 1);
    assert_eq!(idle.get("/").await.text(), "ok");
    house.stop().await;
}

async fn post(house: &House, length: usize, lines: &str) -> Client {
    let mut client = house.client().await;
    client
        .send(format!(
            "POST /up HTTP/1.1\r\nhost: a\r\ncontent-length: {length}\r\n{lines}\r\n"
        ))
        .await;
    client
}

/// Sends a byte each tenth of a second for so long, or until there is an answer.
async fn dribble(client: &mut Client, piece: &str, times: usize) {
    for _ in 0..times {
        tokio::time::sleep(Duration::from_millis(100)).await;
        if client.stream.write_all(piece.as_bytes()).await.is_err() {
            return;
        }
        let mut byte = [0];
        let peeked = tokio::time::timeout(Duration::ZERO, client.stream.peek(&mut byte)).await;
        if peeked.is_ok() {
            return;
        }
    }
}

#[tokio::test]
async fn a_body_that_dribbles_ends_and_the_backend_is_not_blamed() {
    let origin = Origin::saying("ok");
    let limits = "limits = { body_rate = 1000, body_grace = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let since = Instant::now();
    let mut slow = post(&house, 10_000, "").await;
    let mut silent = post(&house, 10_000, "").await;
    let mut fast = post(&house, 6_000, "").await;
    let mut stream = post(&house, 20, "content-type: application/grpc+proto\r\n").await;
    let piece = "x".repeat(200);
    tokio::join!(
        dribble(&mut slow, "x", 100),
        dribble(&mut fast, &piece, 30),
        dribble(&mut stream, "x", 20),
    );
    assert_problem(&slow.read().await.unwrap(), 408, "slow_body");
    assert!(since.elapsed() >= Duration::from_millis(950));
    assert_problem(&silent.read().await.unwrap(), 408, "slow_body");
    assert_eq!(fast.read().await.unwrap().text(), "ok");
    assert_eq!(stream.read().await.unwrap().text(), "ok");
    assert!(others.end().await > 50);
    drop((slow, silent, fast, stream));
    house.at_rest().await;
    assert_eq!(house.faults(Fault::SlowBody), 2);
    let counts = house.primary();
    assert_eq!(counts.attempts(Class::Cancelled), 2);
    assert_eq!(counts.attempts(Class::Timeout), 0);
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_is_slow_to_read_or_to_answer_is_no_fault_of_the_client() {
    // It reads no body for a while, then all, then thinks.
    let origin = Origin::early(|_| {
        vec![
            Do::Pause(Duration::from_millis(2500)),
            Do::ReadBody,
            Do::Pause(Duration::from_millis(1500)),
            ok(b"ok"),
        ]
    });
    let limits = "limits = { body_rate = 100_000, body_grace = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let mut client = house.client().await;
    let body = noise(12_000_000);
    let (mut from, mut to) = tokio::io::split(&mut client.stream);
    let head = format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let send = async {
        to.write_all(head.as_bytes()).await.unwrap();
        to.write_all(&body).await.unwrap();
    };
    let read = async {
        let mut start = [0; 12];
        tokio::io::AsyncReadExt::read_exact(&mut from, &mut start)
            .await
            .unwrap();
        start
    };
    let (_, start) = crate::support::soon("an answer", async { tokio::join!(send, read) }).await;
    assert_eq!(&start, b"HTTP/1.1 200");
    house.stop().await;
}

#[tokio::test]
async fn who_takes_nothing_of_an_answer_is_left() {
    let origin = Origin::new(|seen| match seen.target() {
        "/large" => vec![ok(&[0; 30_000_000])],
        "/quiet" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nno"),
            Do::Pause(Duration::from_secs(4)),
            raw("w!"),
        ],
        _ => vec![ok(b"ok")],
    });
    let limits = "limits = { read_time = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let since = Instant::now();
    let mut unread = Vec::new();
    for _ in 0..10 {
        let mut client = Client::small(house.app.http).await;
        client.send(request("GET", "/large", &[], b"")).await;
        unread.push(client);
    }
    // Who waits for a backend that says nothing takes all there is.
    let mut waiting = house.client().await;
    waiting.send(request("GET", "/quiet", &[], b"")).await;
    // Who takes a little now and then goes on.
    let mut reader = Client::small(house.app.http).await;
    reader.send(request("GET", "/large", &[], b"")).await;
    reader.read_head().await;
    eventually("all are asked", || {
        origin
            .seen()
            .iter()
            .filter(|seen| seen.target() != "/")
            .count()
            == 12
    })
    .await;
    while lapses(&house, Lapse::Unread) < 10 {
        reader.read_exactly(100_000).await;
        assert!(since.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(since.elapsed() >= Duration::from_millis(900));
    for _ in 0..20 {
        reader.read_exactly(100_000).await;
    }
    assert_eq!(lapses(&house, Lapse::Unread), 10);
    assert_eq!(waiting.read().await.unwrap().text(), "now!");
    assert!(others.end().await > 50);
    drop((unread, reader, waiting));
    eventually("they are gone", || house.clients() == 0).await;
    house.at_rest().await;
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}
