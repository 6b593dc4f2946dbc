//! Clients of HTTP/2 that send floods of frames, or take nothing.

use std::time::{Duration, Instant};

use figshift::stats::{Fault, Lapse};
use tokio::io::AsyncWriteExt as _;

use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, Frames, HEADERS, PING, RST_STREAM, WINDOW_UPDATE,
    block, frame, header,
};
use super::others::Others;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, ok, raw};

const ENHANCE_YOUR_CALM: u32 = 11;

fn lapses(house: &House, lapse: Lapse) -> u64 {
    let cells = house.app.workers.iter();
    cells.map(|cell| cell.lapses[lapse as usize].get()).sum()
}

fn origin() -> Origin {
    Origin::new(|seen| match seen.target() {
        "/slow" => vec![Do::Stall],
        "/large" => vec![ok(&[0; 5_000_000])],
        "/events" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"),
            Do::Send(b"data: a\n\n".repeat(500_000)),
            Do::Close,
        ],
        "/quiet" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nno"),
            Do::Pause(Duration::from_secs(4)),
            raw("w!"),
        ],
        _ => vec![ok(b"ok")],
    })
}

/// Everything that came has gone again.
async fn at_rest(house: House, others: Others, origin: &Origin) {
    assert!(others.end().await > 10);
    eventually("no client is left", || house.clients() == 0).await;
    house.at_rest().await;
    assert_eq!(house.trips(origin), 0);
    house.stop().await;
}

#[tokio::test]
async fn streams_that_are_reset_at_once_end_their_connection() {
    let origin = origin();
    let house = Plan::alone(&origin, "").start().await;
    let others = Others::begin(&house, "/").await;
    let mut client = Frames::open(&house, 65_535).await;
    let mut flood = Vec::new();
    let block = block("GET", "/slow");
    for n in 0..5_000u32 {
        let stream = 2 * n + 1;
        flood.extend(frame(HEADERS, END_STREAM | END_HEADERS, stream, &block));
        flood.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
    }
    // It may be over before all is sent.
    let _ = client.0.stream.write_all(&flood).await;
    assert_eq!(
        client.goaway().await.unwrap_or(ENHANCE_YOUR_CALM),
        ENHANCE_YOUR_CALM
    );
    eventually("it is counted", || lapses(&house, Lapse::Flood) == 1).await;
    let asked = origin
        .seen()
        .iter()
        .filter(|seen| seen.target() == "/slow")
        .count();
    assert!(asked <= 200, "{asked} requests have reached the backend");
    drop(client);
    at_rest(house, others, &origin).await;
}

/// What its backend does not bear to be left goes on without its client, and was given up all the same.
#[tokio::test]
async fn giving_up_what_goes_on_without_its_client_is_a_flood_too() {
    for target in ["/silent", "/begun"] {
        let gate = Gate::default();
        let waits = gate.clone();
        let origin = Origin::new(move |seen| match seen.target() {
            "/begun" => vec![
                raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nno"),
                Do::Await(waits.clone()),
                raw("w!"),
            ],
            _ => vec![Do::Await(waits.clone()), ok(b"ok")],
        });
        let house = Plan::alone(&origin, "on_disconnect = \"drain\"")
            .listen("limits = { resets = 10 }")
            .start()
            .await;
        let mut client = Frames::open(&house, 65_535).await;
        // A look may lie between them, and begin a second of its own.
        let streams: Vec<u32> = (0..30).map(|n| 2 * n + 1).collect();
        for stream in &streams {
            client.get(*stream, target).await;
        }
        eventually("all are asked for", || origin.count() == 30).await;
        if target == "/begun" {
            for _ in &streams {
                while client.next().await.unwrap().kind != DATA {}
            }
        }
        let resets = streams
            .iter()
            .flat_map(|stream| frame(RST_STREAM, 0, *stream, &8u32.to_be_bytes()));
        client.send(resets.collect::<Vec<u8>>()).await;
        eventually("it is counted", || lapses(&house, Lapse::Flood) == 1).await;
        eventually("its connection has ended", || house.clients() == 0).await;
        gate.open();
        house.at_rest().await;
        assert_eq!(lapses(&house, Lapse::Flood), 1);
        house.stop().await;
    }
}

#[tokio::test]
async fn requests_that_are_given_up_one_by_one_end_their_connection_too() {
    let origin = origin();
    let limits = "limits = { resets = 50 }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let mut client = Frames::open(&house, 65_535).await;
    let begun = origin.count();
    let mut given_up = 0;
    let end = Instant::now() + Duration::from_secs(15);
    for n in 0.. {
        let stream = 2 * n + 1;
        client.get(stream, "/slow").await;
        let sent = frame(RST_STREAM, 0, stream, &8u32.to_be_bytes());
        if lapses(&house, Lapse::Flood) > 0 || client.0.stream.write_all(&sent).await.is_err() {
            break;
        }
        given_up += 1;
        assert!(Instant::now() < end, "{given_up}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    assert_eq!(lapses(&house, Lapse::Flood), 1);
    assert!(given_up >= 50, "{given_up}");
    assert!(origin.count() > begun);
    drop(client);
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn a_head_without_an_end_ends_its_connection() {
    let origin = origin();
    let house = Plan::alone(&origin, "").start().await;
    let others = Others::begin(&house, "/").await;
    // Large frames, small ones, and empty ones.
    for part in [16_000, 100, 0] {
        let mut client = Frames::open(&house, 65_535).await;
        let mut head = block("GET", "/");
        head.extend(header("x", &"y".repeat(10_000)));
        client.send(frame(HEADERS, END_STREAM, 1, &head)).await;
        let piece = match part {
            0 => Vec::new(),
            len => header("x", &"y".repeat(len)),
        };
        let piece = frame(CONTINUATION, 0, 1, &piece);
        let mut sent = 0usize;
        while client.0.stream.write_all(&piece).await.is_ok() {
            sent += 1;
            if sent.is_multiple_of(100) {
                tokio::task::yield_now().await;
            }
            assert!(sent < 200_000, "{part}: nobody minds");
        }
        drop(client);
    }
    assert_eq!(lapses(&house, Lapse::Flood), 3);
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn a_head_that_is_too_large_costs_its_stream() {
    let origin = origin();
    let house = Plan::alone(&origin, "").start().await;
    let others = Others::begin(&house, "/").await;
    let mut client = Frames::open(&house, 65_535).await;
    // 80 KB in frames of the size that is allowed.
    let mut head = block("GET", "/");
    for n in 0..8 {
        head.extend(header(&format!("x-{n}"), &"y".repeat(10_000)));
    }
    let parts: Vec<&[u8]> = head.chunks(16_000).collect();
    client.send(frame(HEADERS, END_STREAM, 1, parts[0])).await;
    for (n, part) in parts.iter().enumerate().skip(1) {
        let flags = if n + 1 == parts.len() { END_HEADERS } else { 0 };
        client.send(frame(CONTINUATION, flags, 1, part)).await;
    }
    let refused = client.first_of(1, &[HEADERS, RST_STREAM]).await.unwrap();
    // 431, as a literal or by its digits.
    let text = String::from_utf8_lossy(&refused.payload).into_owned();
    assert!(
        refused.kind == RST_STREAM || !text.contains("200"),
        "{refused:?}"
    );
    // Many short lines.
    let mut head = block("GET", "/");
    for n in 0..200 {
        head.extend(header(&format!("x-{n}"), "v"));
    }
    client
        .send(frame(HEADERS, END_STREAM | END_HEADERS, 3, &head))
        .await;
    client.first_of(3, &[HEADERS]).await.unwrap();
    eventually("it is counted", || house.faults(Fault::HeadTooLarge) == 1).await;
    // The connection is still good.
    client.get(5, "/").await;
    let body = client.first_of(5, &[DATA]).await.unwrap();
    assert_eq!(body.payload, b"ok");
    drop(client);
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn no_more_streams_at_a_time_than_allowed() {
    let origin = origin();
    let limits = "limits = { streams = 5 }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let mut client = Frames::open(&house, 65_535).await;
    for n in 0..8 {
        client.get(2 * n + 1, "/slow").await;
    }
    for n in 5..8 {
        let refused = client.first_of(2 * n + 1, &[RST_STREAM]).await.unwrap();
        // REFUSED_STREAM: it may be sent again.
        assert_eq!(refused.payload, 7u32.to_be_bytes());
    }
    let slow = || {
        origin
            .seen()
            .iter()
            .filter(|seen| seen.target() == "/slow")
            .count()
    };
    eventually("five are asked", || slow() == 5).await;
    drop(client);
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn who_opens_no_window_is_left_and_who_waits_for_a_backend_is_not() {
    let origin = origin();
    let limits = "limits = { read_time = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let since = Instant::now();
    // Takes a little, and then nothing, on all of its streams, and goes on to send pings.
    let mut stuck = Frames::open(&house, 100).await;
    for n in 0..10 {
        stuck.get(2 * n + 1, "/large").await;
    }
    let mut waiting = Frames::open(&house, 65_535).await;
    waiting.get(1, "/quiet").await;
    let mut reader = Frames::open(&house, 10_000).await;
    reader.get(1, "/large").await;
    while lapses(&house, Lapse::Unread) == 0 {
        let _ = stuck.0.stream.write_all(&frame(PING, 0, 0, &[0; 8])).await;
        let more = 50_000u32.to_be_bytes();
        let mut windows = frame(WINDOW_UPDATE, 0, 1, &more);
        windows.extend(frame(WINDOW_UPDATE, 0, 0, &more));
        reader.send(windows).await;
        assert!(reader.first_of(1, &[DATA]).await.is_some());
        assert!(since.elapsed() < Duration::from_secs(15));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(since.elapsed() >= Duration::from_millis(900));
    // From here on it would take nothing either.
    drop(reader);
    assert_eq!(waiting.first_of(1, &[DATA]).await.unwrap().payload, b"no");
    assert_eq!(waiting.first_of(1, &[DATA]).await.unwrap().payload, b"w!");
    assert_eq!(lapses(&house, Lapse::Unread), 1);
    drop((stuck, waiting));
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn who_takes_no_events_is_left() {
    let origin = origin();
    let limits = "limits = { read_time = \"1s\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let mut stuck = Frames::open(&house, 100).await;
    stuck.get(1, "/events").await;
    eventually("it is left", || lapses(&house, Lapse::Unread) == 1).await;
    drop(stuck);
    at_rest(house, others, &origin).await;
}

#[tokio::test]
async fn a_preface_that_stops_is_slow() {
    let origin = origin();
    let limits = "limits = { head_time = \"500ms\" }";
    let house = Plan::alone(&origin, "").listen(limits).start().await;
    let others = Others::begin(&house, "/").await;
    let mut half = house.client().await;
    half.send("PRI * HT").await;
    let mut silent = Frames::open(&house, 65_535).await;
    let mut used = Frames::open(&house, 65_535).await;
    used.get(1, "/").await;
    assert!(used.first_of(1, &[DATA]).await.is_some());
    assert!(half.is_closed().await);
    silent.goaway().await;
    assert_eq!(lapses(&house, Lapse::SlowHead), 2);
    // What has been served may wait, and say that it is there.
    used.send(frame(PING, 0, 0, &[0; 8])).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    used.get(3, "/").await;
    assert!(used.first_of(3, &[DATA]).await.is_some());
    drop((half, silent, used));
    at_rest(house, others, &origin).await;
}
