//! Before the first event: a side that answers 200 and then nothing of use is left.

use std::time::Duration;

use figshift::control::{Actor, What};
use figshift::policy::Phase;
use figshift::stats::{Class, Fault, Reason, Trouble};

use super::stand::{
    DONE, EVENT, HEARTBEATS, alone, asks, chat, end, good, head, head_with, heartbeats, part,
    pause, sends, sides,
};
use crate::support::house::{Plan, two_sides};
use crate::support::origin::{Do, Gate, Origin, raw};
use crate::support::{eventually, noise};

const QUICK: &str = "timeouts = { first_event = \"300ms\" }";

/// What the candidate does, how that counts, and why the request left it.
async fn falls_back(steps: Vec<Do>, trouble: Trouble, class: Class, reason: Reason) {
    let (old, new) = (sends(good()), sends(steps));
    let house = sides(&old, &new, QUICK, "").await;
    let answer = chat(&house).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text(), format!("{EVENT}{DONE}"), "{trouble:?}");
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(counts.troubles(trouble), 1, "{trouble:?}");
    assert_eq!(counts.all_troubles(), 1);
    assert_eq!(counts.attempts(class), 1, "{trouble:?}");
    assert_eq!(counts.fallbacks(reason), 1, "{trouble:?}");
    assert_eq!(counts.elsewhere(Class::Ok), 1);
    assert_eq!(house.primary().all_troubles(), 0);
    assert_eq!((old.count(), new.count()), (1, 1));
    house.stop().await;
}

#[tokio::test]
async fn silence_after_200_falls_back() {
    let silent = vec![head(), Do::Stall];
    falls_back(silent, Trouble::FirstEvent, Class::Timeout, Reason::Stalled).await;
}

#[tokio::test]
async fn heartbeats_are_silence() {
    let mut beating = vec![head()];
    beating.extend(heartbeats(10));
    falls_back(
        beating,
        Trouble::FirstEvent,
        Class::Timeout,
        Reason::Stalled,
    )
    .await;
}

#[tokio::test]
async fn an_error_as_the_first_event_falls_back() {
    for error in [
        "event: error\ndata: out of memory\n\n",
        "data: {\"error\": {\"message\": \"out of memory\"}}\n\n",
        "data: {\"error\":{\"message\":\"x\",\"code\":503}}\n\n",
        ": hello\n\nevent: error\rdata: {\"error\":\"\"}\r\r",
    ] {
        let steps = vec![head(), part(error), end()];
        let class = Class::ServerError;
        falls_back(steps, Trouble::ErrorEvent, class, Reason::ErrorEvent).await;
    }
}

#[tokio::test]
async fn an_end_or_a_break_without_an_event_falls_back() {
    let beat = || part(HEARTBEATS[0]);
    for steps in [
        vec![head(), end()],
        vec![head(), beat(), pause(20), end()],
        vec![head(), part("event: a\n"), end()],
    ] {
        falls_back(steps, Trouble::Empty, Class::Broken, Reason::Empty).await;
    }
    for steps in [
        vec![head(), beat(), pause(20), Do::Reset],
        vec![head(), pause(20), Do::Close],
        vec![head(), part("data: a\n"), pause(20), raw("nonsense\r\n")],
    ] {
        falls_back(steps, Trouble::Broken, Class::Broken, Reason::Broken).await;
    }
}

#[tokio::test]
async fn a_caller_s_mistake_is_told_to_the_caller() {
    for (code, fallback, class, told) in [
        (400, "", Class::ClientError, true),
        (429, "", Class::Capacity, true),
        (429, "fallback_on = [\"429\"]", Class::Capacity, false),
    ] {
        let error = format!("data: {{\"error\": {{\"code\": {code}}}}}\n\n");
        let new = sends(vec![head(), part(&error), part(DONE), end()]);
        let old = sends(good());
        let house = sides(&old, &new, "", fallback).await;
        let text = chat(&house).await.unwrap().text();
        assert_eq!(text == format!("{error}{DONE}"), told, "{code}: {text}");
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.attempts(class), 1, "{code}");
        assert_eq!(counts.here(class), u64::from(told), "{code}");
        assert_eq!(counts.troubles(Trouble::ErrorEvent), 1);
        assert_eq!(old.count(), usize::from(!told));
        assert_eq!(house.trips(&new), 0);
        house.stop().await;
    }
}

/// What may have been processed is not sent again without leave.
#[tokio::test]
async fn without_leave_to_repeat_the_client_hears_what_happened() {
    let error = "data: {\"error\": {\"message\": \"oh\"}}\n\n";
    for (steps, status, reason, class) in [
        (
            vec![head(), Do::Stall],
            504,
            "upstream_stalled",
            Class::Timeout,
        ),
        (vec![head(), end()], 502, "upstream_empty", Class::Broken),
        (
            vec![head(), pause(20), Do::Reset],
            502,
            "upstream_broken",
            Class::Broken,
        ),
        (
            vec![head(), part(error), end()],
            200,
            "",
            Class::ServerError,
        ),
    ] {
        let (old, new) = (sends(good()), sends(steps));
        let house = Plan::new(two_sides(&[&old], &[&new], QUICK, 100.0, ""))
            .start()
            .await;
        let answer = chat(&house).await.unwrap();
        assert_eq!(
            (answer.status, answer.reason().unwrap_or("")),
            (status, reason)
        );
        if status == 200 {
            assert_eq!(answer.text(), error);
        }
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!((counts.here(class), counts.unsafe_to_repeat), (1, 1));
        assert_eq!(old.count(), 0);
        let fault = Fault::ALL
            .into_iter()
            .find(|fault| fault.as_str() == reason);
        assert_eq!(fault.map_or(1, |fault| house.faults(fault)), 1);
        house.stop().await;
    }
}

#[tokio::test]
async fn silence_opens_the_breaker() {
    let new = sends(vec![head(), Do::Stall]);
    let old = sends(good());
    let quick = "timeouts = { first_event = \"100ms\" }";
    let house = sides(&old, &new, quick, "").await;
    for _ in 0..5 {
        assert_eq!(chat(&house).await.unwrap().status, 200);
    }
    eventually("it is open", || house.phase(&new) == Phase::Open).await;
    assert_eq!((house.trips(&new), new.count()), (1, 5));
    house.stop().await;
}

#[tokio::test]
async fn all_of_a_good_stream_passes_and_its_connection_is_used_again() {
    let streams = [
        vec![head(), part(EVENT), part(DONE), end()],
        // All of it in one read.
        vec![raw(&format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\
             transfer-encoding: chunked\r\n\r\n{:x}\r\n{EVENT}{DONE}\r\n0\r\n\r\n",
            EVENT.len() + DONE.len()
        ))],
        vec![
            head(),
            Do::Dribble(format!("{:x}\r\n{EVENT}{DONE}\r\n", EVENT.len() + DONE.len()).into()),
            end(),
        ],
    ];
    let count = streams.len();
    let origin = Origin::new(move |seen| streams[seen.nth % streams.len()].clone());
    let house = alone(&origin, QUICK, "").await;
    let mut client = house.client().await;
    for _ in 0..count * 2 {
        assert_eq!(client.get("/").await.text(), format!("{EVENT}{DONE}"));
    }
    house.at_rest().await;
    assert_eq!(origin.accepted(), 1);
    let counts = house.primary();
    assert_eq!(counts.here(Class::Ok), count as u64 * 2);
    assert_eq!(counts.all_troubles(), 0);
    house.stop().await;
}

/// There are backends that leave out the empty line, and clients who read lines.
#[tokio::test]
async fn a_stream_without_empty_lines_passes() {
    let gate = Gate::default();
    let awaited = gate.clone();
    let new = Origin::new(move |seen| match seen.target() {
        "/one" => vec![head(), part("data: a\n"), end()],
        _ => {
            let wait = Do::Await(awaited.clone());
            vec![
                head(),
                part("data: a\n"),
                part("data: b\n"),
                wait,
                part("data: c\n"),
                end(),
            ]
        }
    });
    let old = sends(good());
    let house = sides(&old, &new, "", "").await;
    assert_eq!(house.get("/one").await.text(), "data: a\n");
    let mut client = asks(&house).await;
    client.read_until("data: b\n").await;
    gate.open();
    client.read_until("data: c\n\r\n0\r\n\r\n").await;
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!((counts.here(Class::Ok), counts.all_troubles()), (2, 0));
    assert_eq!(old.count(), 0);
    house.stop().await;
}

/// What has not begun for the client is not cut, but goes to the primary.
#[tokio::test]
async fn a_hard_rollback_moves_a_held_stream() {
    let mut beating = vec![head()];
    beating.extend(heartbeats(15));
    let (old, new) = (sends(good()), sends(beating));
    for route in ["", "keep_alive = \"1s\""] {
        let house = sides(&old, &new, "", route).await;
        let before = new.count();
        let mut client = asks(&house).await;
        eventually("the candidate is asked", || new.count() > before).await;
        tokio::time::sleep(Duration::from_millis(if route.is_empty() {
            50
        } else {
            1300
        }))
        .await;
        let what = What::Rollback {
            route: None,
            hard: true,
        };
        house.app.door().send(what, Actor::Operator).await.unwrap();
        assert!(
            client
                .read()
                .await
                .unwrap()
                .text()
                .ends_with(&format!("{EVENT}{DONE}"))
        );
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!((counts.fallbacks(Reason::Cut), counts.cut), (1, 1));
        assert_eq!((counts.elsewhere(Class::Ok), counts.all_troubles()), (1, 0));
        house.stop().await;
    }
}

#[tokio::test]
async fn what_is_too_long_to_be_held_goes_on() {
    let comments = format!(":{}\n\n", "x".repeat(1000)).repeat(100);
    let gate = Gate::default();
    let awaited = gate.clone();
    let text = comments.clone();
    let origin = Origin::new(move |_| {
        let wait = Do::Await(awaited.clone());
        vec![head(), part(&text), wait, part(EVENT), end()]
    });
    let house = alone(&origin, "", "").await;
    let mut client = asks(&house).await;
    let head = client.read_head().await;
    assert!(head.is_chunked());
    client.read_until(&"x".repeat(1000)).await;
    gate.open();
    let rest = client.read_until("\r\n0\r\n\r\n").await;
    assert!(rest.contains(EVENT));
    house.at_rest().await;
    assert_eq!(house.primary().here(Class::Ok), 1);
    house.stop().await;
}

#[tokio::test]
async fn without_hold_bytes_pass_at_once() {
    let (old, gate) = (sends(good()), Gate::default());
    let awaited = gate.clone();
    let new = Origin::new(move |_| {
        let wait = Do::Await(awaited.clone());
        vec![head(), part(HEARTBEATS[0]), wait, end()]
    });
    let house = sides(&old, &new, QUICK, "hold = false").await;
    let mut client = asks(&house).await;
    client.read_until(HEARTBEATS[0]).await;
    gate.open();
    // An end without an event cannot be taken back, and counts all the same.
    assert!(client.read_until("0\r\n\r\n").await.ends_with("0\r\n\r\n"));
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!((counts.here(Class::Broken), old.count()), (1, 0));
    assert_eq!(counts.troubles(Trouble::Empty), 1);
    house.stop().await;
}

/// Only event streams are held: what has a length, another type or another status is not one.
#[tokio::test]
async fn other_answers_are_not_held() {
    let heads = [
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 500 Oh\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n",
    ];
    for head in heads {
        let origin = Origin::new(move |_| vec![raw(head), Do::Stall]);
        let house = alone(&origin, QUICK, "").await;
        let mut client = asks(&house).await;
        let head = client.read_head().await;
        assert_eq!(head.get("x-figshift-reason"), None, "{head:?}");
        drop(client);
        house.at_rest().await;
        assert_eq!(house.primary().here(Class::Cancelled), 1);
        house.stop().await;
    }
}

/// What is compressed cannot be read, so any byte is as good as an event.
#[tokio::test]
async fn a_compressed_stream_is_held_to_its_first_byte() {
    let sealed = || head_with("content-encoding: gzip\r\n");
    let noise = String::from_utf8_lossy(&noise(50)).into_owned();
    let (text, old) = (noise.clone(), sends(good()));
    let new = Origin::new(move |seen| match seen.target() {
        "/silent" => vec![sealed(), Do::Stall],
        _ => vec![sealed(), part(&text), end()],
    });
    let house = sides(&old, &new, QUICK, "").await;
    assert_eq!(house.get("/").await.text(), noise);
    assert_eq!(house.get("/silent").await.text(), format!("{EVENT}{DONE}"));
    assert_eq!(house.candidate().troubles(Trouble::FirstEvent), 1);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_held_stream_is_nobody_s_fault() {
    let origin = sends(vec![head(), Do::Stall]);
    let house = alone(&origin, "", "").await;
    let client = asks(&house).await;
    eventually("it is asked", || origin.count() == 1).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    drop(client);
    house.at_rest().await;
    eventually("it is left", || origin.left() == 1).await;
    let counts = house.primary();
    assert_eq!(
        (counts.here(Class::Cancelled), counts.all_troubles()),
        (1, 0)
    );
    house.stop().await;
}
