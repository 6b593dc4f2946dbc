//! Tunnels: bytes go both ways as they come, each end may end its way or break, and the books know.

use std::time::{Duration, Instant};

use figshift::policy::Phase;
use figshift::stats::Class;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::cohorts::seen;
use super::upgrade::{AGREED, ASK, open};
use crate::support::client::request;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, raw};
use crate::support::{eventually, noise, soon};

fn echo() -> Origin {
    Origin::new(|_| vec![raw(AGREED), Do::Echo])
}

/// Connections to the backend, by the books.
fn connections(house: &House, origin: &Origin) -> i64 {
    let endpoint = house.endpoint(origin);
    endpoint.cells.iter().map(|cell| cell.open.get()).sum()
}

#[tokio::test]
async fn the_client_may_end_its_way_first() {
    let origin = Origin::new(|_| vec![raw(AGREED), Do::TakeAll, raw("bye"), Do::Close]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = open(&house).await;
    client.send("all that I have").await;
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.read_to_end().await.unwrap(), b"bye");
    assert_eq!(origin.seen()[0].body, b"all that I have");
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.here(Class::Ok), counts.attempts(Class::Ok)), (1, 1));
    assert_eq!(counts.tunnel_bytes, [15, 3]);
    house.stop().await;
}

#[tokio::test]
async fn the_backend_may_end_its_way_first() {
    let origin = Origin::new(|_| {
        vec![
            raw(AGREED),
            raw("bye"),
            Do::HalfClose,
            Do::TakeAll,
            Do::Close,
        ]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = open(&house).await;
    assert_eq!(client.read_to_end().await.unwrap(), b"bye");
    assert_eq!(house.primary().tunnels_open, 1);
    client.send("and one more thing").await;
    drop(client);
    house.at_rest().await;
    eventually("it has arrived", || {
        origin.seen()[0].body == b"and one more thing"
    })
    .await;
    assert_eq!(house.primary().here(Class::Ok), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_breaks_is_to_blame_and_the_client_sees_it() {
    let gate = Gate::default();
    let opens = gate.clone();
    let origin = Origin::new(move |_| {
        vec![
            raw(AGREED),
            raw("half"),
            Do::Await(opens.clone()),
            Do::Reset,
        ]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = open(&house).await;
    assert_eq!(client.read_exactly(4).await, b"half");
    gate.open();
    assert_eq!(client.read_to_end().await, None, "it must not look whole");
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!(counts.attempts(Class::Broken), 1);
    assert_eq!(counts.here(Class::Broken), 1);
    assert_eq!((counts.all_requests(), counts.tunnels_open), (1, 0));
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_breaks_is_nobodys_fault_and_the_backend_sees_it() {
    let origin = Origin::new(|_| vec![raw(AGREED), Do::TakeAll]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = open(&house).await;
    client.send("half").await;
    eventually("it has arrived", || house.primary().tunnel_bytes[0] == 4).await;
    client.stream.set_zero_linger().unwrap();
    drop(client);
    eventually("the backend is left", || origin.open() == 0).await;
    assert!(
        origin.seen()[0].body.is_empty(),
        "the end was no proper one"
    );
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!(counts.attempts(Class::Cancelled), 1);
    assert_eq!(counts.here(Class::Cancelled), 1);
    assert_eq!(counts.all_requests(), 1);
    assert_eq!(house.phase(&origin), Phase::Closed);
    house.stop().await;
}

#[tokio::test]
async fn the_guard_sees_an_answer_at_the_101_and_a_break_later() {
    let gate = Gate::default();
    let opens = gate.clone();
    let old = echo();
    let new = Origin::new(move |_| vec![raw(AGREED), Do::Await(opens.clone()), Do::Reset]);
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let client = open(&house).await;
    eventually("it is answered", || seen(&house).candidate.answered == 1).await;
    let side = seen(&house).candidate;
    assert_eq!((side.n, side.ended, side.bad), (1, 0, 0));
    gate.open();
    eventually("it has broken", || seen(&house).candidate.bad == 1).await;
    drop(client);
    house.at_rest().await;
    assert_eq!(house.candidate().here(Class::Broken), 1);
    house.stop().await;
}

#[tokio::test]
async fn it_is_in_all_books_and_its_connection_serves_nobody_else() {
    let origin = echo();
    let plan = Plan::alone(&origin, "pool = { idle = \"500ms\" }");
    let house = plan.listen("idle = \"500ms\"").start().await;
    let mut client = open(&house).await;
    eventually("the backend's connection is handed over", || {
        connections(&house, &origin) == 1
    })
    .await;
    // What is idle is swept each second, and this is not.
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(2500) {
        let counts = house.primary();
        assert_eq!(
            (house.in_flight(), counts.in_flight, counts.tunnels_open),
            (1, 1, 1)
        );
        assert_eq!((house.clients(), connections(&house, &origin)), (1, 1));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    client.send("ping").await;
    assert_eq!(client.read_exactly(4).await, b"ping");
    let mut other = open(&house).await;
    assert_eq!(origin.accepted(), 2);
    client.stream.shutdown().await.unwrap();
    assert!(client.is_closed().await);
    eventually("one has ended", || house.primary().here(Class::Ok) == 1).await;
    // HTTP has ended there for good.
    other.send(request("GET", "/", &[], b"")).await;
    assert_eq!(
        other.read_until("\r\n\r\n").await.as_bytes(),
        request("GET", "/", &[], b"")
    );
    drop(other);
    house.at_rest().await;
    eventually("nobody is left", || {
        house.clients() == 0 && connections(&house, &origin) == 0
    })
    .await;
    assert_eq!(
        (
            origin.open(),
            origin.accepted(),
            house.primary().all_requests()
        ),
        (0, 2, 2)
    );
    house.stop().await;
}

#[tokio::test]
async fn a_silent_one_ends_and_a_busy_one_does_not() {
    let origin = echo();
    let plan = Plan::alone(&origin, "timeouts = { tunnel_idle = \"700ms\" }");
    let house = plan.start().await;
    let since = Instant::now();
    let (mut silent, mut busy) = (open(&house).await, open(&house).await);
    while since.elapsed() < Duration::from_secs(2) {
        busy.send("x").await;
        assert_eq!(busy.read_exactly(1).await, b"x");
        tokio::time::sleep(Duration::from_millis(50)).await;
        if since.elapsed() < Duration::from_millis(700) {
            assert_eq!(house.primary().tunnels_open, 2);
        }
    }
    assert_eq!(silent.read_to_end().await, None);
    let counts = house.primary();
    assert_eq!((counts.tunnels_open, counts.here(Class::Cancelled)), (1, 1));
    drop(busy);
    house.at_rest().await;
    assert_eq!(house.primary().here(Class::Ok), 1);
    assert_eq!(house.phase(&origin), Phase::Closed);
    house.stop().await;
}

#[tokio::test]
async fn an_end_of_the_house_waits_for_it_but_not_for_ever() {
    let origin = echo();
    let plan = Plan::alone(&origin, "").listen("drain = \"20s\"");
    let house = plan.clone().start().await;
    let mut client = open(&house).await;
    let app = house.app;
    let ending = tokio::spawn(async move { app.stop().await });
    for _ in 0..10 {
        client.send("still here").await;
        assert_eq!(client.read_exactly(10).await, b"still here");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!ending.is_finished());
    client.stream.shutdown().await.unwrap();
    assert_eq!(client.read_to_end().await.unwrap(), b"");
    soon("the house ends", ending).await.unwrap();

    let house = plan.listen("drain = \"1s\"").start().await;
    let mut client = open(&house).await;
    let since = Instant::now();
    let cells = std::sync::Arc::clone(&house.app.workers);
    house.stop().await;
    let took = since.elapsed();
    assert!(
        took >= Duration::from_secs(1) && took < Duration::from_secs(10),
        "{took:?}"
    );
    assert_eq!(client.read_to_end().await, None);
    assert!(
        cells
            .iter()
            .all(|cell| cell.in_flight.get() == 0 && cell.open.get() == 0)
    );
    eventually("the backend is left", || origin.open() == 0).await;
}

#[tokio::test]
async fn a_hundred_megabytes_both_ways_at_once() {
    const PARTS: usize = 100;
    let origin = echo();
    let house = Plan::alone(&origin, "").start().await;
    let client = open(&house).await;
    assert!(client.leftover().is_empty());
    let (mut from, mut to) = client.stream.into_split();
    let part = noise(1 << 20);
    let sent = part.clone();
    let sending = tokio::spawn(async move {
        for _ in 0..PARTS {
            to.write_all(&sent).await.unwrap();
        }
        to.shutdown().await.unwrap();
    });
    let mut got = vec![0; part.len()];
    for n in 0..PARTS {
        soon("a part", from.read_exact(&mut got)).await.unwrap();
        assert!(got == part, "part {n} differs");
    }
    assert_eq!(soon("the end", from.read(&mut got)).await.unwrap(), 0);
    sending.await.unwrap();
    house.at_rest().await;
    let all = (PARTS << 20) as u64;
    assert_eq!(house.primary().tunnel_bytes, [all, all]);
    assert_eq!(house.primary().here(Class::Ok), 1);
    house.stop().await;
}

/// What the house would hold more than a part of, it would take from the client.
#[tokio::test]
async fn who_reads_nothing_stops_the_other() {
    let gate = Gate::default();
    let opens = gate.clone();
    let origin =
        Origin::new(move |_| vec![raw(AGREED), Do::Hold(opens.clone()), Do::TakeAll, Do::Close]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = open(&house).await;
    let part = noise(1 << 20);
    let mut sent = 0;
    let flood = async {
        while sent < 100 << 20 {
            let at = sent % part.len();
            sent += client.stream.write(&part[at..]).await.unwrap();
        }
    };
    let stuck = tokio::time::timeout(Duration::from_secs(2), flood).await;
    assert!(stuck.is_err(), "all of it was taken");
    // As much as the buffers of four sockets take.
    assert!(sent < 40 << 20, "{sent}");
    gate.open();
    client.stream.shutdown().await.unwrap();
    assert!(client.is_closed().await);
    let body = &origin.seen()[0].body;
    assert_eq!(body.len(), sent);
    assert!(
        body.chunks(part.len())
            .all(|chunk| chunk == &part[..chunk.len()])
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn many_that_end_in_any_way_leave_nothing() {
    let origin = echo();
    let house = Plan::alone(&origin, "").workers(2).start().await;
    for round in 0..5u64 {
        let mut clients = Vec::new();
        for _ in 0..40 {
            clients.push(open(&house).await);
        }
        assert_eq!(house.primary().tunnels_open, 40);
        for (n, client) in clients.into_iter().enumerate() {
            if n % 2 == 0 {
                client.stream.set_zero_linger().unwrap();
            }
        }
        // And one that leaves before it is told anything.
        let mut hasty = house.client().await;
        hasty.send(request("GET", "/", &ASK, b"")).await;
        drop(hasty);
        eventually("all have ended", || {
            house.primary().tunnels_open == 0 && house.clients() == 0 && origin.open() == 0
        })
        .await;
        house.at_rest().await;
        assert_eq!(connections(&house, &origin), 0);
        let counts = house.primary();
        assert_eq!(counts.here(Class::Broken) + counts.here(Class::Reset), 0);
        assert!(counts.here(Class::Ok) >= 20 * (round + 1), "{counts:?}");
        assert!(
            counts.here(Class::Cancelled) >= 20 * (round + 1),
            "{counts:?}"
        );
    }
    assert_eq!(house.panics(), 0);
    house.stop().await;
}
