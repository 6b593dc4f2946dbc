//! A backend that does not bear being left is read to its end.

use figshift::stats::Class;

use super::stand::{EVENT, alone, asks, end, good, head, part, sends, sides};
use crate::support::eventually;
use crate::support::origin::{Do, Gate, Origin, ok, status};

const DRAIN: &str = "on_disconnect = \"drain\"";

/// Answers with these steps, with a gate between.
fn gated(gate: &Gate, before: Vec<Do>, after: Vec<Do>) -> Origin {
    let gate = gate.clone();
    Origin::new(move |seen| match seen.target() {
        "/next" => vec![ok(b"next")],
        _ => {
            let mut steps = before.clone();
            steps.push(Do::Await(gate.clone()));
            steps.extend(after.clone());
            steps
        }
    })
}

#[tokio::test]
async fn a_stream_is_read_to_its_end() {
    let plain = Do::Send(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc".to_vec());
    for (before, after) in [
        (vec![head(), part(EVENT)], vec![part(EVENT), end()]),
        (vec![plain], vec![Do::Send(b"def".to_vec())]),
    ] {
        let gate = Gate::default();
        let origin = gated(&gate, before, after);
        let house = alone(&origin, DRAIN, "").await;
        let mut client = asks(&house).await;
        client.read_head().await;
        drop(client);
        eventually("the client has left", || house.clients() == 0).await;
        assert_eq!(house.primary().in_flight, 1);
        gate.open();
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!((counts.here(Class::Cancelled), counts.drained), (1, 1));
        assert_eq!(counts.all_troubles(), 0);
        assert_eq!(house.get("/next").await.text(), "next");
        assert_eq!((origin.left(), origin.accepted()), (0, 1));
        house.stop().await;
    }
}

#[tokio::test]
async fn an_answer_that_has_not_begun_is_waited_for() {
    for after in [vec![ok(b"late")], good()] {
        let gate = Gate::default();
        let origin = gated(&gate, vec![], after);
        let house = alone(&origin, DRAIN, "").await;
        let client = asks(&house).await;
        eventually("it is asked", || origin.count() == 1).await;
        drop(client);
        eventually("the client has left", || house.clients() == 0).await;
        assert_eq!(house.primary().in_flight, 1);
        gate.open();
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!((counts.here(Class::Cancelled), counts.drained), (1, 1));
        assert_eq!(house.get("/next").await.text(), "next");
        assert_eq!((origin.left(), origin.accepted()), (0, 1));
        house.stop().await;
    }
}

/// Nobody is there for whom it would be tried again.
#[tokio::test]
async fn what_fails_then_is_not_tried_elsewhere() {
    let failures = [
        vec![Do::Reset],
        vec![status("503 Oh", &[], b"oh")],
        vec![head(), end()],
        vec![head(), part(EVENT), Do::Reset],
    ];
    for failure in failures {
        let gate = Gate::default();
        let (old, new) = (sends(good()), gated(&gate, vec![], failure));
        let house = sides(&old, &new, DRAIN, "").await;
        let client = asks(&house).await;
        eventually("it is asked", || new.count() == 1).await;
        drop(client);
        eventually("the client has left", || house.clients() == 0).await;
        gate.open();
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.here(Class::Cancelled), 1);
        assert_eq!((counts.all_requests(), old.count()), (1, 0));
        assert_eq!(counts.all_troubles(), 0);
        house.stop().await;
    }
}

#[tokio::test]
async fn a_limit_ends_it() {
    let drain = format!("{DRAIN}\ndrain_limit = \"400ms\"");
    for steps in [
        vec![Do::Stall],
        vec![head(), Do::Stall],
        vec![head(), part(EVENT), Do::Stall],
    ] {
        let origin = sends(steps);
        let house = alone(&origin, &drain, "").await;
        let client = asks(&house).await;
        eventually("it is asked", || origin.count() == 1).await;
        drop(client);
        eventually("the client has left", || house.clients() == 0).await;
        assert_eq!(house.in_flight(), 1);
        house.at_rest().await;
        eventually("the backend is left", || origin.left() == 1).await;
        let counts = house.primary();
        assert_eq!((counts.here(Class::Cancelled), counts.drained), (1, 0));
        house.stop().await;
    }
}

#[tokio::test]
async fn the_end_of_the_house_ends_it() {
    let origin = sends(vec![head(), part(EVENT), Do::Stall]);
    let house = alone(&origin, DRAIN, "").await;
    let mut client = asks(&house).await;
    client.read_until(EVENT).await;
    drop(client);
    eventually("the client has left", || house.clients() == 0).await;
    assert_eq!(house.in_flight(), 1);
    let waiting = asks(&house).await;
    eventually("another one is asked", || origin.count() == 2).await;
    drop(waiting);
    house.stop().await;
    eventually("the backend is left", || origin.left() == 2).await;
}

#[tokio::test]
async fn by_default_it_is_left_at_once() {
    let origin = sends(vec![head(), part(EVENT), Do::Stall]);
    let house = alone(&origin, "", "").await;
    let mut client = asks(&house).await;
    client.read_until(EVENT).await;
    drop(client);
    house.at_rest().await;
    eventually("the backend is left", || origin.left() == 1).await;
    assert_eq!(house.primary().drained, 0);
    house.stop().await;
}
