//! Comments for a client that waits for the first event.

use figshift::stats::{Class, HistogramTotals, Reason, Trouble};

use super::stand::{
    DONE, EVENT, alone, asks, chat, cut, end, good, head, head_with, heartbeats, part, sends, sides,
};
use crate::support::eventually;
use crate::support::house::House;
use crate::support::origin::{Do, Gate, Origin, status};

const COMMENT: &str = ": keep-alive\n\n";
const WARM: &str = "keep_alive = \"1s\"";
const QUICK: &str = "timeouts = { first_event = \"1500ms\" }";

/// The times to the first event of the primary.
fn first_bytes(house: &House) -> HistogramTotals {
    let snapshot = house.app.publisher.current();
    let mut sum = HistogramTotals::default();
    for cell in snapshot.routes[0].primary.cells.iter() {
        sum.add(&cell.first_byte);
    }
    sum
}

#[tokio::test]
async fn comments_come_until_the_first_event() {
    let gate = Gate::default();
    let awaited = gate.clone();
    let origin = Origin::new(move |_| {
        let wait = Do::Await(awaited.clone());
        let marked = format!("\u{feff}{EVENT}");
        vec![
            head_with("x-model: m\r\n"),
            wait,
            part(&marked),
            part(DONE),
            end(),
        ]
    });
    let house = alone(&origin, "", &format!("{WARM}\nbackend_header = true")).await;
    let mut client = asks(&house).await;
    let head = client.read_head().await;
    assert_eq!(head.get("content-type"), Some("text/event-stream"));
    assert_eq!(head.get("x-model"), Some("m"));
    assert_eq!(head.get("x-figshift-backend"), Some("old"));
    assert!(head.get("x-request-id").is_some() && head.is_chunked());
    for _ in 0..2 {
        client.read_until(COMMENT).await;
    }
    assert_eq!(first_bytes(&house).count(), 0);
    gate.open();
    let rest = client.read_until("\r\n0\r\n\r\n").await;
    // A byte order mark in the middle would be part of a name.
    assert!(
        rest.contains(&format!("\r\n{EVENT}")) && rest.contains(DONE),
        "{rest:?}"
    );
    assert!(!rest.contains('\u{feff}'));
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.here(Class::Ok), counts.all_troubles()), (1, 0));
    // A comment of ours is no byte of the backend.
    let waited = first_bytes(&house);
    assert_eq!(waited.count(), 1);
    assert!(waited.sum_seconds() > 1.9, "{}", waited.sum_seconds());
    // The client's connection goes on.
    client.send("GET / HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert!(client.read().await.unwrap().text().contains(EVENT));
    house.stop().await;
}

/// The backend's own comments keep nobody warm while they are held, and ours do.
#[tokio::test]
async fn after_comments_another_side_may_still_serve() {
    let mut beating = vec![head()];
    beating.extend(heartbeats(10));
    let (old, new) = (sends(good()), sends(beating));
    let house = sides(&old, &new, QUICK, WARM).await;
    let answer = chat(&house).await.unwrap();
    assert_eq!(answer.text(), format!("{COMMENT}{EVENT}{DONE}"));
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(counts.fallbacks(Reason::Stalled), 1);
    assert_eq!(counts.troubles(Trouble::FirstEvent), 1);
    assert_eq!(counts.elsewhere(Class::Ok), 1);
    house.stop().await;
}

#[tokio::test]
async fn after_comments_the_end_of_all_tries_is_an_event() {
    let silent = || vec![head(), Do::Stall];
    let broken = vec![status("500 Oh", &[], b"oh")];
    for (last, kind, class) in [
        (silent(), "upstream_stalled", Class::Timeout),
        (broken, "upstream_status", Class::ServerError),
    ] {
        let (old, new) = (sends(last), sends(silent()));
        let house = sides(&old, &new, QUICK, WARM).await;
        let text = cut(chat(&house).await).text();
        assert!(text.starts_with(COMMENT), "{text}");
        assert!(
            text.contains("\nevent: error\ndata: {\"error\":{"),
            "{text}"
        );
        assert!(text.contains(&format!("\"type\":\"{kind}\"")), "{text}");
        assert!(text.ends_with("}}\n\n"), "{text}");
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.all_requests(), 1);
        assert_eq!(counts.here(class) + counts.elsewhere(class), 1);
        house.stop().await;
    }
}

#[tokio::test]
async fn what_is_quick_or_no_stream_gets_no_comment() {
    let origin = Origin::new(|seen| match seen.target() {
        "/json" => vec![status("404 No", &[], b"{}")],
        _ => good(),
    });
    let house = alone(&origin, "", WARM).await;
    assert_eq!(house.get("/").await.text(), format!("{EVENT}{DONE}"));
    assert_eq!(house.get("/json").await.status, 404);
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!(
        (counts.here(Class::Ok), counts.here(Class::ClientError)),
        (1, 1)
    );
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_after_comments_is_gone() {
    let origin = sends(vec![head(), Do::Stall]);
    let house = alone(&origin, "", WARM).await;
    let mut client = asks(&house).await;
    client.read_until(COMMENT).await;
    drop(client);
    house.at_rest().await;
    eventually("it is left", || origin.left() == 1).await;
    assert_eq!(house.primary().here(Class::Cancelled), 1);
    house.stop().await;
}
