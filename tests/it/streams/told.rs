//! After the first event: what goes wrong is told in the stream and counts against its side, and no
//! client takes it for the end.

use std::time::{Duration, Instant};

use figshift::stats::{Class, Trouble};

use super::stand::{
    DONE, EVENT, alone, asks, chat, cut, end, good, head, head_with, heartbeats, part, pause,
    sends, sides,
};
use crate::support::client::{Client, request};
use crate::support::origin::{Do, Origin, raw};
use crate::support::{eventually, soon};

const QUICK: &str = "timeouts = { gap = \"300ms\" }";

/// The event in which a stream is told to be at its end.
fn error_in(text: &str) -> serde_json::Value {
    let (_, told) = text.rsplit_once("\nevent: error\ndata: ").expect(text);
    let data = told.strip_suffix("\n\n").expect(told);
    serde_json::from_str::<serde_json::Value>(data).unwrap()["error"].take()
}

#[tokio::test]
async fn a_break_is_told() {
    for last in [
        vec![Do::Reset],
        vec![Do::Close],
        vec![part(": half a comm"), pause(20), Do::Close],
        vec![part("event: half"), pause(20), Do::Reset],
    ] {
        let mut steps = vec![head(), part(EVENT), pause(20)];
        steps.extend(last);
        let (old, new) = (sends(good()), sends(steps));
        let house = sides(&old, &new, "", "").await;
        let part = cut(chat(&house).await);
        assert_eq!(part.status, 200);
        let text = part.text();
        assert!(text.starts_with(EVENT), "{text}");
        let error = error_in(&text);
        assert_eq!(error["type"], "upstream_broken");
        assert_eq!(error["request_id"].as_str(), part.get("x-request-id"));
        assert!(error["message"].as_str().unwrap().contains("not whole"));
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.here(Class::Broken), 1);
        assert_eq!(counts.attempts(Class::Broken), 1);
        assert_eq!(counts.troubles(Trouble::Broken), 1);
        assert_eq!(old.count(), 0, "what has begun is never begun again");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_stall_is_told_by_data_and_not_by_heartbeats() {
    let mut beating = vec![head(), part(EVENT)];
    beating.extend(heartbeats(15));
    for steps in [beating, vec![head(), part(EVENT), Do::Stall]] {
        let (old, new) = (sends(good()), sends(steps));
        let house = sides(&old, &new, QUICK, "").await;
        let begun = Instant::now();
        let part = cut(chat(&house).await);
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(300), "{took:?}");
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(error_in(&part.text())["type"], "upstream_stalled");
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.here(Class::Timeout), 1);
        assert_eq!(counts.troubles(Trouble::Gap), 1);
        assert_eq!(old.count(), 0);
        eventually("the backend is left", || new.open() == 0).await;
        house.stop().await;
    }
}

/// Each event starts the clock again, also one that comes with others.
#[tokio::test]
async fn a_slow_stream_is_no_stalled_one() {
    let mut steps = vec![head()];
    for _ in 0..8 {
        steps.extend([part(EVENT), pause(200)]);
    }
    steps.push(end());
    let origin = sends(steps);
    let house = alone(&origin, "timeouts = { gap = \"1s\" }", "").await;
    assert_eq!(chat(&house).await.unwrap().text(), EVENT.repeat(8));
    assert_eq!(house.primary().all_troubles(), 0);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_reads_slowly_is_no_stalled_backend() {
    const EVENTS: usize = 400;
    let event = format!("data: {}\n\n", "x".repeat(64 * 1024));
    let mut steps = vec![head()];
    steps.extend((0..EVENTS).map(|_| part(&event)));
    steps.push(end());
    let origin = sends(steps);
    let house = alone(&origin, QUICK, "").await;
    let mut client = Client::small(house.app.http).await;
    client.send(request("GET", "/", &[], b"")).await;
    // Many times the gap, while all buffers on the way are full.
    let wait = Duration::from_millis(500);
    client.read_head().await;
    for _ in 0..4 {
        tokio::time::sleep(wait).await;
        client.read_exactly(event.len()).await;
        assert_eq!(house.in_flight(), 1);
    }
    let mut read = 0;
    let all = async {
        while read < EVENTS - 5 {
            client.read_exactly(event.len()).await;
            read += 1;
        }
    };
    soon("the rest", all).await;
    client.read_until("\r\n0\r\n\r\n").await;
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.here(Class::Ok), counts.all_troubles()), (1, 0));
    house.stop().await;
}

/// Nor when what it was not asked for is noise, and what comes next takes its time.
#[tokio::test]
async fn nor_is_one_that_was_not_asked() {
    let noise = format!(":{}\n\n", "x".repeat(64 * 1024));
    let mut steps = vec![head(), part(EVENT)];
    // More than all buffers on the way.
    steps.extend((0..500).map(|_| part(&noise)));
    steps.extend([pause(600), part(EVENT), end()]);
    let origin = sends(steps);
    let house = alone(&origin, "timeouts = { gap = \"1s\" }", "").await;
    let mut client = Client::small(house.app.http).await;
    client.send(request("GET", "/", &[], b"")).await;
    client.read_until(EVENT).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    assert_eq!(house.in_flight(), 1);
    let rest = client.read_until("\r\n0\r\n\r\n").await;
    assert!(rest.ends_with(&format!("{EVENT}\r\n0\r\n\r\n")));
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.here(Class::Ok), counts.all_troubles()), (1, 0));
    house.stop().await;
}

#[tokio::test]
async fn a_long_event_that_grows_is_no_silence() {
    let mut steps = vec![head(), part(EVENT), part("data: an image of some size,")];
    for _ in 0..10 {
        steps.extend([pause(200), part(&"y".repeat(100))]);
    }
    steps.extend([part("\n\n"), end()]);
    let origin = sends(steps);
    let house = alone(&origin, "timeouts = { gap = \"1s\" }", "").await;
    assert!(chat(&house).await.unwrap().text().ends_with("yyy\n\n"));
    assert_eq!(house.primary().all_troubles(), 0);
    house.stop().await;
}

/// Half of an event with data cannot be taken back: an event of ours would make it a whole one.
#[tokio::test]
async fn nothing_is_added_to_half_an_event_or_after_the_end() {
    for last in ["data: {\"half", "event: x\ndata: {}\n", DONE] {
        let origin = sends(vec![head(), part(EVENT), part(last), pause(20), Do::Reset]);
        let house = alone(&origin, "", "").await;
        let part = cut(chat(&house).await);
        assert_eq!(part.text(), format!("{EVENT}{last}"));
        house.at_rest().await;
        assert_eq!(house.primary().here(Class::Broken), 1);
        house.stop().await;
    }
}

#[tokio::test]
async fn an_error_in_the_middle_passes_and_counts() {
    for (error, class) in [
        ("event: error\ndata: oh\n\n", Class::ServerError),
        ("data: {\"error\": {\"code\": 400}}\n\n", Class::ClientError),
    ] {
        let origin = sends(vec![
            head(),
            part(EVENT),
            pause(20),
            part(error),
            part(DONE),
            end(),
        ]);
        let house = alone(&origin, "", "").await;
        for _ in 0..2 {
            let answer = chat(&house).await.unwrap();
            assert_eq!(answer.text(), format!("{EVENT}{error}{DONE}"));
        }
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!((counts.here(class), counts.attempts(class)), (2, 2));
        assert_eq!(counts.troubles(Trouble::ErrorEvent), 2);
        assert_eq!(origin.accepted(), 1, "its connection is as good as before");
        house.stop().await;
    }
}

#[tokio::test]
async fn other_bodies_have_a_clock_of_their_own() {
    let plain = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    let origin = Origin::new(move |seen| match seen.target() {
        "/slow" => vec![raw(plain), part("a"), pause(900), part("b"), end()],
        "/sealed" => vec![head_with("content-encoding: br\r\n"), part("a"), Do::Stall],
        "/long" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na"),
            Do::Stall,
        ],
        _ => vec![raw(plain), part("a"), Do::Stall],
    });
    // By default there is none.
    let house = alone(&origin, QUICK, "").await;
    assert_eq!(house.get("/slow").await.text(), "ab");
    assert_eq!(house.primary().all_troubles(), 0);
    house.stop().await;
    let both = "timeouts = { gap = \"300ms\", body_gap = \"300ms\" }";
    let house = alone(&origin, both, "").await;
    for (n, target) in [(1, "/sealed"), (2, "/long"), (3, "/")] {
        let mut client = house.client().await;
        let part = cut(client.request("GET", target, &[], b"").await);
        assert_eq!(part.text(), "a", "{target}");
        house.at_rest().await;
        let counts = house.primary();
        assert_eq!(counts.here(Class::Timeout), n);
        assert_eq!(counts.troubles(Trouble::Gap), n);
    }
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_a_stream_is_nobody_s_fault() {
    let origin = sends(vec![head(), part(EVENT), Do::Stall]);
    let house = alone(&origin, "", "").await;
    let mut client = asks(&house).await;
    client.read_until(EVENT).await;
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
