//! The breaker of an endpoint, seen from outside: it opens on hard failures, its side is left out
//! while it is open, and traffic comes back by probes and slowly.

use std::time::{Duration, Instant};

use figshift::policy::Phase;
use figshift::stats::{Class, Reason};

use crate::support::eventually;
use crate::support::house::{House, Plan, two_sides};
use crate::support::origin::{Do, Origin, ok, status};

async fn house(old: &Origin, new: &Origin, backend: &str, route: &str) -> House {
    let text = two_sides(&[old], &[new], backend, 100.0, route);
    Plan::new(text).start().await
}

#[tokio::test]
async fn five_refused_connects_open_it_and_probes_bring_it_back() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let house = house(&old, &new, "breaker = { slow_start = \"1ms\" }", "").await;
    let mut client = house.client().await;
    for n in 1..=5 {
        assert_eq!(house.phase(&new), Phase::Closed, "after {}", n - 1);
        assert_eq!(client.get("/").await.text(), "old");
    }
    let opened = Instant::now();
    assert_eq!(house.phase(&new), Phase::Open);
    assert_eq!(house.trips(&new), 1);
    new.revive();
    new.set(|_| vec![ok(b"new")]);
    // While it is open, not even a POST notices, and nobody asks the endpoint.
    while opened.elapsed() < Duration::from_millis(500) {
        let answer = client.request("POST", "/", &[], b"x").await.unwrap();
        assert_eq!(answer.text(), "old");
    }
    assert_eq!(new.accepted(), 0);
    assert!(house.candidate().fallbacks(Reason::Bypass) > 0);
    assert_eq!(house.candidate().attempts(Class::Connect), 5);
    // Then it is probed, and comes back.
    let mut answers = Vec::new();
    while answers.last().map(String::as_str) != Some("new") || house.phase(&new) != Phase::Closed {
        assert!(opened.elapsed() < Duration::from_secs(10), "{answers:?}");
        answers.push(client.get("/").await.text());
    }
    assert!(
        opened.elapsed() >= Duration::from_millis(900),
        "{:?}",
        opened.elapsed()
    );
    assert_eq!(client.get("/").await.text(), "new");
    house.stop().await;
}

#[tokio::test]
async fn a_bad_probe_keeps_it_out_for_longer() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let house = house(&old, &new, "breaker = { slow_start = \"1ms\" }", "").await;
    let mut client = house.client().await;
    let end = Instant::now() + Duration::from_millis(2200);
    while Instant::now() < end {
        assert_eq!(client.get("/").await.text(), "old");
    }
    // Five to open it, one probe after 1 to 1.5 s, and the next is due after two more at least.
    assert_eq!(house.trips(&new), 2);
    assert_eq!(house.candidate().attempts(Class::Connect), 6);
    house.stop().await;
}

#[tokio::test]
async fn statuses_of_the_breaker_open_it_and_capacity_does_not() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&old, &new, "", "").await;
    let mut client = house.client().await;
    for (line, header, trips) in [
        ("429 Too Many", "x: y", 0),
        ("503 Full", "retry-after: 3", 0),
        ("500 Oh", "x: y", 0),
        ("404 Not Found", "x: y", 0),
        ("503 Sick", "x: y", 1),
    ] {
        new.set(move |_| vec![status(line, &[header], b"no")]);
        for _ in 0..7 {
            client.get("/").await;
        }
        house.at_rest().await;
        assert_eq!(house.trips(&new), trips, "{line}");
    }
    assert_eq!(client.get("/").await.text(), "old");
    house.stop().await;
}

#[tokio::test]
async fn responses_that_break_open_it() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&old, &new, "", "").await;
    new.set(|_| {
        vec![
            Do::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf".to_vec()),
            Do::Close,
        ]
    });
    for _ in 0..30 {
        let mut client = house.client().await;
        let _ = client.request("GET", "/", &[], b"").await;
    }
    house.at_rest().await;
    assert!(house.trips(&new) >= 1);
    house.stop().await;
}

#[tokio::test]
async fn sticky_users_come_back_to_their_side() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let text = two_sides(
        &[&old],
        &[&new],
        "breaker = { slow_start = \"1ms\" }",
        50.0,
        "sticky = [\"header:x-user\"]",
    );
    let house = Plan::new(text).start().await;
    let mut client = house.client().await;
    let mut homes = Vec::new();
    for user in 0..40 {
        homes.push(
            client
                .get_with("/", &[&format!("x-user: {user}")])
                .await
                .text(),
        );
    }
    assert!(homes.contains(&"old".to_owned()) && homes.contains(&"new".to_owned()));
    new.kill().await;
    for user in 0..40 {
        let answer = client.get_with("/", &[&format!("x-user: {user}")]).await;
        assert_eq!(answer.text(), "old");
    }
    assert_eq!(house.phase(&new), Phase::Open);
    new.revive();
    let end = Instant::now() + Duration::from_secs(10);
    while house.phase(&new) != Phase::Closed {
        assert!(Instant::now() < end);
        for user in 0..40 {
            client.get_with("/", &[&format!("x-user: {user}")]).await;
        }
    }
    for (user, home) in homes.iter().enumerate() {
        let answer = client.get_with("/", &[&format!("x-user: {user}")]).await;
        assert_eq!(&answer.text(), home);
    }
    house.stop().await;
}

#[tokio::test]
async fn when_everything_is_out_everything_is_tried() {
    let (old, new) = (Origin::dead(), Origin::dead());
    let house = house(&old, &new, "", "").await;
    let mut client = house.client().await;
    for _ in 0..8 {
        assert_eq!(client.get("/").await.reason(), Some("upstream_connect"));
    }
    assert_eq!(house.phase(&old), Phase::Open);
    assert_eq!(house.phase(&new), Phase::Open);
    // Both are open for a second at least, and the first request after the recovery is served.
    old.revive();
    let before = house.candidate().attempts(Class::Connect);
    assert_eq!(client.get("/").await.text(), "alive");
    assert_eq!(
        client.request("POST", "/", &[], b"x").await.unwrap().text(),
        "alive"
    );
    assert!(house.candidate().attempts(Class::Connect) >= before);
    house.stop().await;
}

#[tokio::test]
async fn a_probe_whose_client_leaves_does_not_block_the_next() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let house = house(&old, &new, "breaker = { slow_start = \"1ms\" }", "").await;
    let mut client = house.client().await;
    for _ in 0..5 {
        client.get("/").await;
    }
    assert_eq!(house.phase(&new), Phase::Open);
    new.set(|_| vec![Do::Stall]);
    new.revive();
    // Clients that give up soon, until one of them was the probe.
    let end = Instant::now() + Duration::from_secs(10);
    while new.count() == 0 {
        assert!(Instant::now() < end);
        let mut leaving = house.client().await;
        leaving.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
        let answer = tokio::time::timeout(Duration::from_millis(50), leaving.read()).await;
        assert!(answer.is_err() || new.count() == 0);
    }
    eventually("the probe is given up", || new.left() == 1).await;
    house.at_rest().await;
    new.set(|_| vec![ok(b"new")]);
    let mut answers = Vec::new();
    // The three probes, after which traffic rises.
    for _ in 0..3 {
        answers.push(client.get("/").await.text());
    }
    assert_eq!(answers, ["new"; 3]);
    house.stop().await;
}
