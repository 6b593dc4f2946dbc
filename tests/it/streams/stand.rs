//! What an event stream is made of, and who sends it.

use std::time::Duration;

use crate::support::client::{Answer, Client, Cut, request};
use crate::support::house::{House, Plan, backend_table, two_sides};
use crate::support::origin::{Do, Origin, raw};

pub(super) const EVENT: &str = "data: {\"token\":\"a\"}\n\n";
pub(super) const DONE: &str = "data: [DONE]\n\n";
pub(super) const HEARTBEATS: [&str; 4] = [
    ": heartbeat\n\n",
    "event: ping\ndata: {\"type\": \"ping\"}\n\n",
    "data:\n\n",
    "id: 7\n\n",
];

/// The head of an event stream, with further header lines.
pub(super) fn head_with(lines: &str) -> Do {
    raw(&format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n{lines}\r\n"
    ))
}

pub(super) fn head() -> Do {
    head_with("")
}

/// A chunk of a body.
pub(super) fn part(text: &str) -> Do {
    raw(&format!("{:x}\r\n{text}\r\n", text.len()))
}

/// The end of a body.
pub(super) fn end() -> Do {
    raw("0\r\n\r\n")
}

pub(super) fn pause(millis: u64) -> Do {
    Do::Pause(Duration::from_millis(millis))
}

/// A whole stream of one event.
pub(super) fn good() -> Vec<Do> {
    vec![head(), part(EVENT), part(DONE), end()]
}

/// Signs of life for that long, each a tenth of a second after the other.
pub(super) fn heartbeats(seconds: usize) -> Vec<Do> {
    let beats = HEARTBEATS.into_iter().cycle().take(seconds * 10);
    beats.flat_map(|beat| [part(beat), pause(100)]).collect()
}

pub(super) fn sends(steps: Vec<Do>) -> Origin {
    Origin::new(move |_| steps.clone())
}

/// All goes to the candidate `new` first, and may be repeated.
pub(super) async fn sides(old: &Origin, new: &Origin, backend: &str, route: &str) -> House {
    let route = format!("idempotent = true\n{route}");
    let text = two_sides(&[old], &[new], backend, 100.0, &route);
    Plan::new(text).start().await
}

/// One backend, with lines for it and for the route.
pub(super) async fn alone(origin: &Origin, backend: &str, route: &str) -> House {
    let backend = backend_table("old", &[origin], backend);
    let route = format!("[[routes]]\nname = \"all\"\nprimary = \"old\"\n{route}\n");
    Plan::new(backend + &route).start().await
}

/// Asks for a chat.
pub(super) async fn chat(house: &House) -> Result<Answer, Cut> {
    house
        .client()
        .await
        .request("POST", "/v1/chat", &[], b"{}")
        .await
}

/// The same, without reading.
pub(super) async fn asks(house: &House) -> Client {
    let mut client = house.client().await;
    client.send(request("POST", "/v1/chat", &[], b"{}")).await;
    client
}

/// What came of an answer that must not be whole.
pub(super) fn cut(answer: Result<Answer, Cut>) -> Answer {
    match answer {
        Err(Cut::Body(part)) => part,
        other => panic!("not cut in its body: {other:?}"),
    }
}
