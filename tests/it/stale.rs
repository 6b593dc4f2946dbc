//! Idle connections that the backend closes just when the next request is sent on them. That is
//! nobody's fault: the request goes out again on a fresh connection and no breaker hears of it.

use figshift::policy::Phase;
use figshift::stats::{Class, Reason};

use crate::support::client::Client;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, Seen, ok};

/// Answers, and closes the connection when it is used again.
fn once(seen: &Seen) -> Vec<Do> {
    vec![ok(seen.target().as_bytes()), Do::CloseAtNext]
}

#[tokio::test]
async fn a_get_always_gets_its_answer() {
    let (old, new) = (Origin::saying("old"), Origin::new(once));
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    for n in 0..50 {
        let target = format!("/{n}");
        assert_eq!(client.get(&target).await.text(), target);
    }
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(old.accepted(), 0);
    assert_eq!(counts.retries(Reason::Reset), 49);
    assert_eq!(counts.attempts(Class::Ok), 50);
    assert_eq!(counts.all_attempts(), 50);
    assert_eq!(house.phase(&new), Phase::Closed);
    assert!(house.endpoint(&new).fitness.sight().trips == 0);
    house.stop().await;
}

/// Leaves this many idle connections in the pool.
async fn fill(house: &House, origin: &Origin, idle: usize) {
    let gate = Gate::default();
    let waiting = gate.clone();
    let before = origin.count();
    origin.set(move |_| vec![Do::Await(waiting.clone()), ok(b"filled"), Do::CloseAtNext]);
    let mut clients = Vec::new();
    for _ in 0..idle {
        let mut client = house.client().await;
        client.send("GET /fill HTTP/1.1\r\nhost: a\r\n\r\n").await;
        clients.push(client);
    }
    eventually("all are waiting", || origin.count() == before + idle).await;
    gate.open();
    for client in &mut clients {
        assert_eq!(client.read().await.unwrap().text(), "filled");
    }
    house.at_rest().await;
    origin.set(|_| vec![ok(b"fresh")]);
}

#[tokio::test]
async fn a_pool_full_of_such_connections_costs_no_request() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    for _ in 0..3 {
        fill(&house, &origin, 12).await;
        let mut client = house.client().await;
        for _ in 0..12 {
            assert_eq!(client.get("/").await.text(), "fresh");
        }
        // The same for a body that is held.
        fill(&house, &origin, 12).await;
        for _ in 0..12 {
            let answer = client.request("PUT", "/", &[], b"body").await.unwrap();
            assert_eq!(answer.text(), "fresh");
        }
    }
    house.at_rest().await;
    assert_eq!(house.primary().attempts(Class::Reset), 0);
    assert_eq!(house.phase(&origin), Phase::Closed);
    house.stop().await;
}

#[tokio::test]
async fn a_post_on_such_a_connection_is_not_sent_twice() {
    let (old, new) = (Origin::saying("old"), Origin::new(once));
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    assert_eq!(client.get("/first").await.text(), "/first");
    let answer = client.request("POST", "/pay", &[], b"1").await.unwrap();
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_reset"))
    );
    assert_eq!((old.count(), new.count()), (0, 1));
    house.at_rest().await;
    assert_eq!(house.candidate().unsafe_to_repeat, 1);
    house.stop().await;
}

#[tokio::test]
async fn connections_that_the_backend_has_closed_are_not_used() {
    let origin = Origin::new(|_| vec![ok(b"ok"), Do::Close]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for n in 1..30 {
        // A POST may not be repeated, so it shows whether a dead connection was taken.
        let answer = client.request("POST", "/", &[], b"1").await.unwrap();
        assert_eq!(answer.status, 200);
        eventually("the close is seen", || {
            let endpoint = house.endpoint(&origin);
            endpoint
                .cells
                .iter()
                .map(|cell| cell.open.get())
                .sum::<i64>()
                == 0
        })
        .await;
        assert_eq!(origin.accepted(), n);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_backend_that_restarts_costs_no_get() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    for _ in 0..5 {
        fill(&house, &origin, 20).await;
        origin.kill().await;
        origin.revive();
        let mut clients: Vec<Client> = Vec::new();
        for _ in 0..20 {
            let mut client = house.client().await;
            client.send("GET /after HTTP/1.1\r\nhost: a\r\n\r\n").await;
            clients.push(client);
        }
        for client in &mut clients {
            assert_eq!(client.read().await.unwrap().text(), "fresh");
        }
    }
    house.at_rest().await;
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}
