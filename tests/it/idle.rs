//! Connections that nobody uses are closed, and those that are still in use are not.

use std::time::{Duration, Instant};

use tokio::io::AsyncWriteExt;

use crate::support::client::{Client, request};
use crate::support::house::Plan;
use crate::support::origin::{Do, Gate, Origin, ok, raw};
use crate::support::{eventually, noise};

#[tokio::test]
async fn an_idle_client_is_closed_and_a_waiting_one_is_not() {
    let origin = Origin::new(|seen| match seen.target() {
        "/slow" => vec![Do::Pause(Duration::from_millis(2500)), ok(b"slow")],
        _ => vec![ok(b"ok")],
    });
    let plan = Plan::alone(&origin, "").listen("idle = \"500ms\"");
    let house = plan.start().await;
    let mut silent = house.client().await;
    let mut half = house.client().await;
    half.send("GET / HTTP/1.1\r\nhost").await;
    let mut used = house.client().await;
    assert_eq!(used.get("/").await.text(), "ok");
    let since = Instant::now();
    let mut waiting = house.client().await;
    waiting.send(request("GET", "/slow", &[], b"")).await;
    assert!(used.is_closed().await);
    assert!(
        since.elapsed() >= Duration::from_millis(450),
        "{:?}",
        since.elapsed()
    );
    assert!(silent.is_closed().await);
    assert!(half.is_closed().await);
    assert_eq!(waiting.read().await.unwrap().text(), "slow");
    assert!(waiting.is_closed().await);
    eventually("no client is left", || house.clients() == 0).await;
    house.stop().await;
}

#[tokio::test]
async fn idle_connections_to_the_backend_are_closed() {
    let origin = Origin::saying("ok");
    let plan = Plan::alone(&origin, "pool = { idle = \"500ms\" }");
    let house = plan.start().await;
    assert_eq!(house.get("/").await.text(), "ok");
    assert_eq!(origin.open(), 1);
    let since = Instant::now();
    eventually("it is closed", || origin.open() == 0).await;
    assert!(
        since.elapsed() >= Duration::from_millis(450),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(house.get("/").await.text(), "ok");
    assert_eq!(origin.accepted(), 2);
    house.stop().await;
}

#[tokio::test]
async fn no_more_connections_are_kept_than_allowed() {
    let gate = Gate::default();
    let wait = gate.clone();
    let origin = Origin::new(move |_| vec![Do::Await(wait.clone()), ok(b"ok")]);
    let plan = Plan::alone(&origin, "pool = { max_idle = 3 }");
    let house = plan.start().await;
    let mut clients = Vec::new();
    for _ in 0..10 {
        let mut client = house.client().await;
        client.send(request("GET", "/", &[], b"")).await;
        clients.push(client);
    }
    eventually("all are asked", || origin.count() == 10).await;
    gate.open();
    for client in &mut clients {
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    eventually("three are kept", || origin.open() == 3).await;
    house.stop().await;
}

/// Clients that do not read, each with an answer of another size: whatever the buffers on the way
/// take, some answers are wholly with us and not yet with the client.
async fn unread(house: &crate::support::house::House, sizes: &[usize]) -> Vec<(Client, usize)> {
    let mut clients = Vec::new();
    for size in sizes {
        let mut client = Client::small(house.app.http).await;
        client
            .send(request("GET", &format!("/{size}"), &[], b""))
            .await;
        clients.push((client, *size));
    }
    clients
}

fn sized() -> Origin {
    Origin::new(|seen| {
        let size = seen.target().trim_start_matches('/').parse().unwrap_or(0);
        vec![ok(&noise(size))]
    })
}

const SIZES: [usize; 24] = {
    let mut sizes = [0; 24];
    let mut n = 0;
    while n < sizes.len() {
        sizes[n] = (n + 1) * 150_000;
        n += 1;
    }
    sizes
};

#[tokio::test]
async fn a_slow_reader_gets_its_whole_answer() {
    let origin = sized();
    let plan = Plan::alone(&origin, "").listen("idle = \"600ms\"");
    let house = plan.start().await;
    let clients = unread(&house, &SIZES).await;
    eventually("all are asked", || origin.count() == SIZES.len()).await;
    // Several looks at idle connections pass.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    for (mut client, size) in clients {
        let answer = client.read().await;
        let answer = answer.unwrap_or_else(|cut| match cut {
            crate::support::client::Cut::Body(part) => {
                panic!("{} of {size} bytes", part.body.len())
            }
            cut => panic!("{cut:?}"),
        });
        assert!(answer.body == noise(size), "{size}");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_slow_reader_gets_its_whole_answer_at_the_end_of_the_house() {
    let origin = sized();
    let plan = Plan::alone(&origin, "").listen("drain = \"15s\"");
    let house = plan.start().await;
    let clients = unread(&house, &SIZES).await;
    eventually("all are asked", || origin.count() == SIZES.len()).await;
    eventually("some are settled", || {
        house.in_flight() < SIZES.len() as i64
    })
    .await;
    let read = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        for (mut client, size) in clients {
            let answer = client.read().await;
            assert!(
                answer.is_ok_and(|answer| answer.body == noise(size)),
                "{size}"
            );
        }
    };
    tokio::join!(house.stop(), read);
}

#[tokio::test]
async fn the_end_waits_for_running_answers_and_for_nobody_else() {
    let gate = Gate::default();
    let wait = gate.clone();
    let origin = Origin::new(move |seen| match seen.target() {
        "/slow" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin"),
            Do::Await(wait.clone()),
            raw("-end!"),
        ],
        _ => vec![ok(b"ok")],
    });
    let house = Plan::alone(&origin, "").workers(2).start().await;
    let address = house.app.http;
    let mut fresh = house.client().await;
    let mut idle = house.client().await;
    assert_eq!(idle.get("/").await.text(), "ok");
    let mut running = house.client().await;
    running.send(request("GET", "/slow", &[], b"")).await;
    running.read_head().await;
    let rest = async {
        // While the answer runs, idle connections end and nobody is let in.
        assert!(idle.is_closed().await);
        assert!(fresh.is_closed().await);
        let end = Instant::now() + Duration::from_secs(10);
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            assert!(Instant::now() < end, "still listening");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        gate.open();
        assert_eq!(running.read_exactly(10).await, b"begin-end!");
        assert!(running.is_closed().await);
    };
    tokio::join!(house.stop(), rest);
}

#[tokio::test]
async fn the_end_does_not_wait_longer_than_it_may() {
    let origin = Origin::new(|_| vec![Do::Stall]);
    let plan = Plan::alone(&origin, "").listen("drain = \"300ms\"");
    let house = plan.start().await;
    let mut client = house.client().await;
    client.send(request("GET", "/", &[], b"")).await;
    eventually("it is asked", || origin.count() == 1).await;
    let begun = Instant::now();
    house.stop().await;
    assert!(
        begun.elapsed() >= Duration::from_millis(290),
        "{:?}",
        begun.elapsed()
    );
    assert!(
        begun.elapsed() < Duration::from_secs(8),
        "{:?}",
        begun.elapsed()
    );
    assert!(client.is_closed().await);
    eventually("the backend is left", || origin.left() == 1).await;
}

#[tokio::test]
async fn a_second_house_on_the_same_address_says_what_is_wrong() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut plan = Plan::alone(&origin, "");
    plan.http = house.app.http.to_string();
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = plan.clone().start_in(folder).await else {
        panic!("two houses on one address");
    };
    let said = error.to_string();
    assert!(
        said.contains("listen.http") && said.contains(&plan.http),
        "{said}"
    );
    assert!(said.contains("in use"), "{said}");
    // The first one does not notice.
    for _ in 0..20 {
        assert_eq!(house.get("/").await.text(), "ok");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_connection_that_was_silent_for_long_serves_again() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = house.client().await;
        assert_eq!(client.get("/").await.text(), "ok");
        clients.push(client);
    }
    // Has sent the beginning of its next request together with its first.
    let mut ahead = house.client().await;
    let first = request("GET", "/", &[], b"");
    ahead.send([&first[..], b"GET / HT"].concat()).await;
    assert_eq!(ahead.read().await.unwrap().text(), "ok");
    // By then each has given back what it needs while it talks.
    tokio::time::sleep(Duration::from_millis(4500)).await;
    let [at_once, in_parts, flawed, leaves] = &mut clients[..] else {
        panic!("four");
    };
    let long = format!("x: {}", "y".repeat(2000));
    let body = "z".repeat(20_000);
    for lines in [&[][..], &[&*long]] {
        let sent = request("POST", "/", lines, body.as_bytes());
        at_once.send([sent.clone(), sent].concat()).await;
        for _ in 0..2 {
            assert_eq!(at_once.read().await.unwrap().text(), "ok");
        }
    }
    for part in ["G", "ET / HT", "TP/1.1\r\nhost: a\r", "\n\r\n"] {
        in_parts.send(part).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(in_parts.read().await.unwrap().text(), "ok");
    ahead.send("TP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(ahead.read().await.unwrap().text(), "ok");
    drop(ahead);
    flawed.send("GET / HTTP/1.1\nhost: a\r\n\r\n").await;
    assert_eq!(flawed.read().await.unwrap().status, 400);
    assert!(flawed.is_closed().await);
    leaves.stream.shutdown().await.unwrap();
    assert!(leaves.is_closed().await);
    eventually("two are left", || house.clients() == 2).await;
    house.stop().await;
}

#[tokio::test]
async fn the_rest_of_a_body_that_was_answered_early_is_no_request_however_late() {
    let origin = Origin::early(|_| vec![ok(b"early")]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000\r\n\r\nabc")
        .await;
    assert_eq!(client.read().await.unwrap().text(), "early");
    tokio::time::sleep(Duration::from_secs(3)).await;
    client.send("GET /evil HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let more = tokio::time::timeout(Duration::from_millis(500), client.read()).await;
    assert!(!matches!(more, Ok(Ok(_))), "{more:?}");
    // What the origin makes of the rest of a body that it has not read is its own affair.
    assert_eq!(house.primary().all_requests(), 1);
    drop(client);
    house.stop().await;
}
