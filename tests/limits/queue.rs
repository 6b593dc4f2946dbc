//! Backends that take so many tries at a time, and who waits for them.

use std::time::{Duration, Instant};

use figshift::snapshot::Turn;
use figshift::stats::{Class, Fault, Reason};

use super::others::{assert_problem, metrics};
use crate::support::client::{Client, request};
use crate::support::eventually;
use crate::support::house::{House, Plan, backend_table, two_sides};
use crate::support::origin::{Do, Gate, Origin, ok, raw};

const ROUTE: &str = "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";

fn limited(origin: &Origin, limit: &str) -> String {
    backend_table("old", &[origin], &format!("limit = {{ {limit} }}")) + ROUTE
}

/// Waiting, taken, and how often each turn was had.
fn books(house: &House, backend: &str) -> (u32, u32, [u64; Turn::COUNT]) {
    let snapshot = house.app.publisher.current();
    let found = snapshot.backends.iter().find(|b| &*b.name == backend);
    let seats = &found.unwrap().limit.as_ref().unwrap().seats;
    let turns = Turn::ALL.map(|turn| seats.turns(turn));
    (seats.waiting(), seats.taken(), turns)
}

async fn ask(house: &House, target: &str) -> Client {
    let mut client = house.client().await;
    client.send(request("GET", target, &[], b"")).await;
    client
}

fn waiting_for(gate: &Gate) -> Origin {
    let gate = gate.clone();
    Origin::new(move |_| vec![Do::Await(gate.clone()), ok(b"ok")])
}

#[tokio::test]
async fn so_many_at_a_time_over_all_workers_and_the_first_come_are_the_first_served() {
    let origin = Origin::new(|_| vec![Do::Pause(Duration::from_millis(100)), ok(b"ok")]);
    let house = Plan::new(limited(&origin, "in_flight = 2")).workers(2);
    let house = house.start().await;
    let mut clients = Vec::new();
    for n in 0..12 {
        clients.push(ask(&house, &format!("/{n}")).await);
        let come = n + 1;
        eventually("it is in the books", || {
            let (waiting, taken, turns) = books(&house, "old");
            u64::from(waiting + taken) + origin.seen().len() as u64 >= come
                && turns[0] + turns[1] + u64::from(waiting) >= come
        })
        .await;
        assert!(books(&house, "old").1 <= 2);
    }
    for client in &mut clients {
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    house.at_rest().await;
    let (waiting, taken, turns) = books(&house, "old");
    assert_eq!((waiting, taken), (0, 0));
    assert!(turns[Turn::Waited as usize] >= 5, "{turns:?}");
    assert_eq!(turns[0] + turns[1], 12);
    // Two walk side by side, so nobody is passed by more than the one beside him.
    let order: Vec<i32> = origin
        .seen()
        .iter()
        .map(|seen| seen.target().trim_start_matches('/').parse().unwrap())
        .collect();
    for (place, n) in order.iter().enumerate() {
        assert!((place as i32 - n).abs() <= 1, "{order:?}");
    }
    assert!(origin.accepted() <= 4);
    house.stop().await;
}

#[tokio::test]
async fn a_full_queue_and_a_late_turn_are_told_with_when_to_come_again() {
    let gate = Gate::default();
    let origin = waiting_for(&gate);
    let limit = "in_flight = 1, queue = 1, queue_time = \"1500ms\"";
    let house = Plan::new(limited(&origin, limit)).start().await;
    let mut sits = ask(&house, "/sits").await;
    eventually("it sits", || origin.count() == 1).await;
    let since = Instant::now();
    let mut waits = ask(&house, "/waits").await;
    eventually("it waits", || books(&house, "old").0 == 1).await;
    let refused = house.get("/full").await;
    assert_problem(&refused, 503, "queue_full");
    assert_eq!(refused.get("retry-after"), Some("2"));
    let late = waits.read().await.unwrap();
    assert!(since.elapsed() >= Duration::from_millis(1450));
    assert_problem(&late, 503, "queue_timeout");
    assert_eq!(late.get("retry-after"), Some("2"));
    let metrics = metrics(house.app.admin).await;
    for line in [
        "backend_limit{backend=\"old\"} 1",
        "backend_limit_in_flight{backend=\"old\"} 1",
        "backend_queue_waiting{backend=\"old\"} 0",
        "backend_queue_total{backend=\"old\",outcome=\"queue_full\"} 1",
        "backend_queue_total{backend=\"old\",outcome=\"queue_timeout\"} 1",
        "own_answers_total{reason=\"queue_full\"} 1",
    ] {
        assert!(metrics.contains(&format!("\nfigshift_{line}\n")), "{line}");
    }
    // Whose turn never came is on a connection that is still good.
    waits.send(request("GET", "/again", &[], b"")).await;
    eventually("it waits again", || books(&house, "old").0 == 1).await;
    gate.open();
    assert_eq!(sits.read().await.unwrap().text(), "ok");
    assert_eq!(waits.read().await.unwrap().text(), "ok");
    house.at_rest().await;
    assert_eq!(books(&house, "old"), (0, 0, [1, 1, 1, 1, 0]));
    assert_eq!(house.faults(Fault::QueueFull), 1);
    assert_eq!(house.faults(Fault::QueueTimeout), 1);
    let counts = house.primary();
    assert_eq!(counts.here(Class::Capacity), 2);
    assert_eq!(counts.all_attempts(), 2);
    assert_eq!(house.trips(&origin), 0);
    house.stop().await;
}

#[tokio::test]
async fn a_seat_is_held_to_the_end_of_the_answer_and_given_back_however_it_ends() {
    let gate = Gate::default();
    let wait = gate.clone();
    let origin = Origin::new(move |seen| match seen.target() {
        "/stream" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nbegin"),
            Do::Await(wait.clone()),
            raw("-end!"),
        ],
        "/stall" => vec![Do::Stall],
        "/reset" => vec![Do::Reset],
        "/half" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"),
            Do::Close,
        ],
        _ => vec![ok(b"ok")],
    });
    let house = Plan::new(limited(&origin, "in_flight = 1")).start().await;
    let mut stream = ask(&house, "/stream").await;
    stream.read_head().await;
    let mut next = ask(&house, "/next").await;
    eventually("it waits", || books(&house, "old").0 == 1).await;
    // A client that leaves while it waits leaves the queue.
    let leaving = ask(&house, "/leaving").await;
    eventually("two wait", || books(&house, "old").0 == 2).await;
    drop(leaving);
    eventually("one waits", || books(&house, "old").0 == 1).await;
    assert_eq!(origin.count(), 1);
    gate.open();
    assert_eq!(stream.read_exactly(10).await, b"begin-end!");
    assert_eq!(next.read().await.unwrap().text(), "ok");

    let stalled = ask(&house, "/stall").await;
    eventually("it sits", || books(&house, "old").1 == 1).await;
    drop(stalled);
    assert_eq!(house.get("/next").await.text(), "ok");
    assert_eq!(house.get("/reset").await.status, 502);
    assert_eq!(house.get("/next").await.text(), "ok");
    let mut half = ask(&house, "/half").await;
    assert!(half.read().await.is_err());
    assert_eq!(house.get("/next").await.text(), "ok");
    house.at_rest().await;
    let (waiting, taken, turns) = books(&house, "old");
    assert_eq!((waiting, taken), (0, 0));
    assert_eq!(turns[Turn::Left as usize], 1);
    assert!(origin.seen().iter().all(|seen| seen.target() != "/leaving"));
    house.stop().await;
}

#[tokio::test]
async fn a_reload_sets_another_limit_for_those_who_wait_too() {
    let gate = Gate::default();
    let origin = waiting_for(&gate);
    let house = Plan::new(limited(&origin, "in_flight = 1")).start().await;
    let mut clients = vec![ask(&house, "/").await];
    eventually("one sits", || origin.count() == 1).await;
    for _ in 0..3 {
        clients.push(ask(&house, "/").await);
    }
    eventually("three wait", || books(&house, "old").0 == 3).await;
    house.save(&limited(&origin, "in_flight = 3")).await;
    eventually("three sit", || origin.count() == 3).await;
    assert_eq!(books(&house, "old").0, 1);
    // Fewer than sit: those stay, and nobody comes in for them.
    house.save(&limited(&origin, "in_flight = 1")).await;
    clients.push(ask(&house, "/").await);
    eventually("two wait", || books(&house, "old").0 == 2).await;
    assert_eq!(books(&house, "old").1, 3);
    gate.open();
    for client in &mut clients {
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    house.at_rest().await;
    assert_eq!(books(&house, "old").1, 0);
    // Without a limit, nobody is counted.
    house
        .save(&(backend_table("old", &[&origin], "") + ROUTE))
        .await;
    assert_eq!(house.get("/").await.text(), "ok");
    house.stop().await;
}

#[tokio::test]
async fn what_is_too_much_spills_to_the_other_side_where_that_may_serve_it() {
    let gate = Gate::default();
    let (old, new) = (Origin::saying("old"), waiting_for(&gate));
    let limit = "limit = { in_flight = 1, queue = 0, spill = true }";
    let house = Plan::new(two_sides(&[&old], &[&new], limit, 100.0, ""))
        .start()
        .await;
    let mut sits = ask(&house, "/").await;
    eventually("it sits", || new.count() == 1).await;
    for _ in 0..5 {
        // A POST too: it was sent nowhere yet.
        let mut client = house.client().await;
        let answer = client.request("POST", "/", &[], b"x").await.unwrap();
        assert_eq!(answer.text(), "old");
    }
    gate.open();
    assert_eq!(sits.read().await.unwrap().text(), "ok");
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(counts.fallbacks(Reason::Capacity), 5);
    assert_eq!(counts.elsewhere(Class::Ok), 5);
    assert_eq!(counts.over_budget, 0);
    house.stop().await;

    // At 0 % the candidate takes nothing over.
    let gate = Gate::default();
    let (old, new) = (waiting_for(&gate), Origin::saying("new"));
    let house = Plan::new(two_sides(&[&old], &[&new], limit, 0.0, ""))
        .start()
        .await;
    let mut sits = ask(&house, "/").await;
    eventually("it sits", || old.count() == 1).await;
    assert_problem(&house.get("/").await, 503, "queue_full");
    assert_eq!(new.accepted(), 0);
    gate.open();
    assert_eq!(sits.read().await.unwrap().text(), "ok");
    house.stop().await;
}

#[tokio::test]
async fn a_fallback_gives_its_seat_back_and_waits_for_the_other_one() {
    let gate = Gate::default();
    let (old, new) = (waiting_for(&gate), Origin::new(|_| vec![Do::Reset]));
    let limit = "limit = { in_flight = 1 }";
    let house = Plan::new(two_sides(&[&old], &[&new], limit, 100.0, ""))
        .start()
        .await;
    let mut first = ask(&house, "/").await;
    eventually("it has fallen back", || old.count() == 1).await;
    assert_eq!(books(&house, "new").1, 0);
    let mut second = ask(&house, "/").await;
    eventually("it waits there", || books(&house, "old").0 == 1).await;
    assert_eq!(books(&house, "new").1, 0);
    gate.open();
    assert_eq!(first.read().await.unwrap().text(), "ok");
    assert_eq!(second.read().await.unwrap().text(), "ok");
    house.at_rest().await;
    assert_eq!(books(&house, "old").1, 0);
    house.stop().await;
}
