//! Clients that leave: the backend is told at once, and nothing stays behind in any book.

use std::time::Duration;

use figshift::policy::Phase;
use figshift::stats::Class;

use crate::support::client::{Client, request};
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::noise;
use crate::support::origin::{Do, Origin, ok, raw};

#[tokio::test]
async fn a_client_that_leaves_before_the_head_frees_the_backend() {
    let origin = Origin::new(|_| vec![Do::Stall]);
    let house = Plan::alone(&origin, "").start().await;
    for (n, bytes) in [
        request("GET", "/", &[], b""),
        request("POST", "/", &[], b"with a body"),
    ]
    .into_iter()
    .enumerate()
    {
        let mut client = house.client().await;
        client.send(bytes).await;
        eventually("the backend is asked", || origin.count() == n + 1).await;
        assert_eq!(house.primary().in_flight, 1);
        drop(client);
        eventually("the backend is left", || origin.left() == n + 1).await;
    }
    house.at_rest().await;
    eventually("no connection is open", || {
        origin.open() == 0 && house.clients() == 0
    })
    .await;
    let counts = house.primary();
    assert_eq!(counts.here(Class::Cancelled), 2);
    assert_eq!(counts.attempts(Class::Cancelled), 2);
    assert_eq!(counts.all_requests(), 2);
    assert_eq!(house.phase(&origin), Phase::Closed);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_during_the_body_frees_the_backend() {
    let heads = [
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nfirst",
        "HTTP/1.1 200 OK\r\n\r\nfirst",
    ];
    for head in heads {
        let origin = Origin::new(move |_| vec![raw(head), Do::Stall]);
        let house = Plan::alone(&origin, "").start().await;
        let mut client = house.client().await;
        client.send(request("GET", "/", &[], b"")).await;
        client.read_head().await;
        drop(client);
        eventually("the backend is left", || origin.left() == 1).await;
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!(counts.here(Class::Cancelled), 1, "{head:?}");
        assert_eq!(counts.all_requests(), 1, "{head:?}");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_a_flowing_stream_frees_the_backend() {
    let chunk = noise(64 * 1024);
    let origin = Origin::new(move |_| {
        let mut steps = vec![raw("HTTP/1.1 200 OK\r\n\r\n")];
        steps.extend((0..1000).map(|_| Do::Send(chunk.clone())));
        steps.push(Do::Close);
        steps
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = Client::small(house.app.http).await;
    client.send(request("GET", "/", &[], b"")).await;
    client.read_exactly(10_000).await;
    // The client is slow, so the stream has to wait and not to pile up.
    assert_eq!(house.in_flight(), 1);
    drop(client);
    eventually("the backend is left", || origin.left() == 1).await;
    house.at_rest().await;
    assert_eq!(house.primary().here(Class::Cancelled), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_in_a_fallback_frees_both_sides() {
    let (old, new) = (Origin::new(|_| vec![Do::Stall]), Origin::dead());
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    client.send(request("GET", "/", &[], b"")).await;
    eventually("the other side is asked", || old.count() == 1).await;
    drop(client);
    eventually("it is left", || old.left() == 1).await;
    house.at_rest().await;
    assert_eq!(house.candidate().elsewhere(Class::Cancelled), 1);
    assert_eq!(house.candidate().attempts(Class::Connect), 1);
    assert_eq!(house.primary().attempts(Class::Cancelled), 1);
    house.stop().await;
}

#[tokio::test]
async fn many_clients_that_leave_at_once_leave_nothing() {
    let origin = Origin::new(|seen| match seen.target() {
        "/stall" => vec![Do::Stall],
        _ => vec![ok(b"ok")],
    });
    let house = Plan::alone(&origin, "").workers(2).start().await;
    for _ in 0..5 {
        let before = origin.count();
        let mut clients = Vec::new();
        for _ in 0..40 {
            let mut client = house.client().await;
            client.send(request("GET", "/stall", &[], b"")).await;
            clients.push(client);
        }
        eventually("all are asked", || origin.count() == before + 40).await;
        drop(clients);
        eventually("all are left", || origin.open() == 0).await;
        house.at_rest().await;
    }
    assert_eq!(house.primary().here(Class::Cancelled), 200);
    assert_eq!(house.get("/").await.text(), "ok");
    house.stop().await;
}

#[tokio::test]
async fn an_upload_to_a_stuck_backend_ends_with_the_head_timeout() {
    // It reads the head and nothing of the body. The leaving of the client cannot be seen, as it
    // stands behind bytes that nobody takes: the clock of the head has to end it.
    let origin = Origin::early(|_| vec![Do::Pause(Duration::from_secs(3600))]);
    let house = Plan::alone(&origin, "timeouts = { head = \"1s\" }")
        .start()
        .await;
    let mut client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n")
        .await;
    eventually("the backend is asked", || origin.count() == 1).await;
    // As much as all buffers on the way take.
    let body = noise(1 << 20);
    let flood = async {
        loop {
            client.send(&body).await;
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(300), flood).await;
    assert_eq!(house.in_flight(), 1);
    drop(client);
    house.at_rest().await;
    assert_eq!(house.primary().all_requests(), 1);
    let endpoint = house.endpoint(&origin);
    eventually("the connection to the backend is closed", || {
        endpoint.cells.iter().all(|cell| cell.open.get() == 0)
    })
    .await;
    eventually("no client is left", || house.clients() == 0).await;
    house.stop().await;
}
