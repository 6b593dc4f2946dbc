//! Event streams that went wrong.

use figshift::api::Turn;

use super::asking::{all_went, explain, get, send};
use crate::support::client::{Cut, request};
use crate::support::house::{Plan, two_sides};
use crate::support::origin::{Do, Origin, ok, raw};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
const EVENT: &str = "9\r\ndata: a\n\n\r\n";
const CLOCKS: &str = "timeouts = { first_event = \"200ms\", gap = \"200ms\" }";

#[tokio::test]
async fn each_trouble_is_told() {
    let old = Origin::new(|_| vec![ok(b"old")]);
    let new = Origin::new(|seen| {
        let steps = match seen.head.get("x-request-id") {
            Some("empty") => vec![raw("0\r\n\r\n")],
            Some("error") => vec![raw("15\r\nevent: error\ndata: x\n\r\n1\r\n\n\r\n0\r\n\r\n")],
            Some("gap") => vec![raw(EVENT), Do::Stall],
            Some("broken") => vec![raw(EVENT), Do::Pause(std::time::Duration::from_millis(30))],
            _ => vec![Do::Stall],
        };
        let head = [raw(HEAD)];
        head.into_iter().chain(steps).chain([Do::Close]).collect()
    });
    let house = Plan::new(two_sides(&[&old], &[&new], CLOCKS, 100.0, ""))
        .start()
        .await;
    for (id, reason, class) in [
        ("silent", "stalled", "timeout"),
        ("empty", "empty", "broken"),
        ("error", "error_event", "server_error"),
    ] {
        assert_eq!(get(&house, id).await.text(), "old");
        let told = explain(&house, id).await;
        let fell = ("old", old.url(), Turn::Fallback, Some(reason), Some("ok"));
        let began = ("new", new.url(), Turn::Home, None, Some(class));
        assert_eq!(all_went(&told), [began, fell]);
        assert_eq!((told.trouble, told.tries[0].status), (None, Some(200)));
    }
    for (id, class) in [("gap", "timeout"), ("broken", "broken")] {
        let mut client = house.client().await;
        let line = format!("x-request-id: {id}");
        client.send(request("GET", "/", &[&line], b"")).await;
        assert!(matches!(client.read().await, Err(Cut::Body(_))));
        let told = explain(&house, id).await;
        assert_eq!(told.trouble.as_deref(), Some(id));
        assert_eq!(told.class.as_deref(), Some(class));
        assert_eq!(
            (told.tries.len(), told.served_by.as_deref()),
            (1, Some("new"))
        );
        assert!(told.first_byte_ms.is_some());
    }
    let mut client = house.client().await;
    let answer = send(&mut client, "POST", "posted", &[], b"x").await;
    assert_eq!(answer.reason(), Some("upstream_stalled"));
    let told = explain(&house, "posted").await;
    assert_eq!(told.trouble.as_deref(), Some("first_event"));
    assert_eq!(told.fault.as_deref(), Some("upstream_stalled"));
    house.stop().await;
}
