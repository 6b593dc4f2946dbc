//! HTTP/2 connections to a backend are shared, as far as it wants.

use std::time::Duration;

use super::far::{Far, Origin};
use super::matrix::before;
use super::near::{Client, Fed, Near, Whole};
use crate::support::house::House;
use crate::support::{eventually, soon};

/// So many requests at once, each from a connection of its own; all hang.
async fn hang(house: &House, origin: &Origin, many: usize) -> Vec<tokio::task::JoinHandle<()>> {
    let mut hanging = Vec::new();
    for _ in 0..many {
        let mut client = Client::new(Near::H1, house.app.http).await;
        hanging.push(tokio::spawn(async move {
            let _ = client.send("GET", "/hang", Fed::none()).await;
        }));
    }
    eventually("all are there", || origin.count() == many).await;
    hanging
}

#[tokio::test]
async fn many_requests_share_one_connection() {
    let origin = Origin::start(Far::H2).await;
    let house = before(&origin, Far::H2).await;
    let hanging = hang(&house, &origin, 50).await;
    assert_eq!(origin.connections(), 1);
    hanging.iter().for_each(|task| task.abort());
    house.at_rest().await;
    // It is still there, and good.
    let mut client = Client::new(Near::H2, house.app.http).await;
    assert_eq!(client.get("/hello").await.body, "hello");
    assert_eq!(origin.connections(), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_limit_of_streams_is_kept_by_further_connections() {
    let origin = Origin::with(Far::H2, Some(4)).await;
    let house = before(&origin, Far::H2).await;
    let hanging = hang(&house, &origin, 10).await;
    assert_eq!(origin.connections(), 3);
    hanging.iter().for_each(|task| task.abort());
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_connection_that_was_closed_is_replaced() {
    let origin = Origin::start(Far::H2).await;
    let house = before(&origin, Far::H2).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    assert_eq!(client.get("/hello").await.status, 200);
    origin.kill();
    let open = || origin.seen.open.load(std::sync::atomic::Ordering::SeqCst);
    eventually("the origin has closed it", || open() == 0).await;
    // Not even a request that must not be sent twice is lost.
    let response = client
        .send("POST", "/echo", Fed::whole(b"once".to_vec()))
        .await;
    assert_eq!(Whole::read(response.unwrap()).await.unwrap().body, "once");
    assert_eq!(origin.connections(), 2);
    house.stop().await;
}

#[tokio::test]
async fn idle_ones_are_closed() {
    let origin = Origin::start(Far::H2).await;
    let house = before(&origin, Far::H2).await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    assert_eq!(client.get("/hello").await.status, 200);
    let mut rest = house.plan.rest.clone();
    rest = rest.replace(
        "protocol = \"h2\"",
        "protocol = \"h2\"\npool = { idle = \"1s\" }",
    );
    house.save(&rest).await;
    let open = || origin.seen.open.load(std::sync::atomic::Ordering::SeqCst);
    eventually("it is closed", || open() == 0).await;
    assert_eq!(client.get("/hello").await.status, 200);
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_does_not_speak_it_cannot_be_connected_to() {
    let origin = Origin::start(Far::H1).await;
    let house = before(&origin, Far::H2).await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    let whole = client.get("/hello").await;
    assert_eq!(whole.status, 502);
    assert_eq!(whole.get("x-figshift-reason"), Some("upstream_connect"));
    house.stop().await;
}

#[tokio::test]
async fn a_client_has_many_streams_and_loses_only_one() {
    let origin = Origin::start(Far::H1).await;
    let house = before(&origin, Far::H1).await;
    let client = Client::new(Near::H2, house.app.http).await;
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let mut twin = client.twin();
        tasks.push(tokio::spawn(async move {
            twin.get("/bytes/100000").await.body.len()
        }));
    }
    let mut left = client.twin();
    let hanging = tokio::spawn(async move { drop(left.send("GET", "/hang", Fed::none()).await) });
    for task in tasks {
        assert_eq!(soon("an answer", task).await.unwrap(), 100_000);
    }
    eventually("all are there", || origin.count() == 21).await;
    hanging.abort();
    eventually("it is gone", || house.in_flight() == 0).await;
    assert_eq!(house.clients(), 1);
    tokio::time::timeout(Duration::from_secs(5), house.at_rest())
        .await
        .unwrap();
    house.stop().await;
}
