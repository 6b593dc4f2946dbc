//! Backends that answer oddly: in crumbs, half, or with what is not theirs to say.

use std::fmt::Write as _;

use figshift::stats::{Class, Reason, Trouble};
use serde_json::{Value, json};

use super::crud::{ask, file, json};
use super::jobs::{ADAPTED, ADAPTER, Jobs, legacy};
use super::streams;
use crate::support::client::{Client, Cut, request};
use crate::support::eventually;
use crate::support::house::{House, Plan, two_sides};
use crate::support::origin::{Do, Gate, Origin, raw};

const STREAM: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
/// The half of a list.
const HALF: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"data\":[";

/// What a service of text makes of what clients send, in chunks.
const ECHO: &str = r#"
[adapters.text.operations.echo]
client   = "POST /echo"
response = '{said: .text}'
"#;

/// Each byte as a chunk of its own.
fn crumbs(text: &str) -> String {
    let mut crumbs = String::with_capacity(text.len() * 6);
    for byte in text.chars() {
        let _ = write!(crumbs, "1\r\n{byte}\r\n");
    }
    crumbs
}

async fn generate(house: &House) -> Client {
    let mut client = house.client().await;
    let body = json!({"inputs": "a"}).to_string();
    let lines = ["content-type: application/json"];
    let request = request("POST", "/generate_stream", &lines, body.as_bytes());
    client.send(request).await;
    client
}

#[tokio::test]
async fn an_event_in_a_great_many_crumbs_arrives_whole() {
    const LONG: usize = 200_000;
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let crumbs = crumbs(&streams::chunk(&"x".repeat(LONG)));
    new.set(move |_| {
        let first = streams::chunk("first");
        let first = format!("{STREAM}{:x}\r\n{first}\r\n", first.len());
        vec![raw(&format!("{first}{crumbs}0\r\n\r\n"))]
    });
    let house = Plan::new(streams::file(&old, &new, "")).start().await;
    let answer = generate(&house).await.read().await.unwrap();
    let data: Vec<Value> = answer
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(data.len(), 2);
    assert_eq!(data[0]["token"]["text"], "first");
    assert_eq!(data[1]["token"]["text"].as_str().unwrap().len(), LONG);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_bad_event_and_an_error_in_one_piece_are_no_good_answer() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let error = json!({"error": {"message": "too long", "code": 400}});
    let both = format!("data: no json\n\ndata: {error}\n\n");
    let both = format!("{STREAM}{:x}\r\n{both}\r\n0\r\n\r\n", both.len());
    new.set(move |_| vec![raw(&both)]);
    let house = Plan::new(streams::file(&old, &new, "")).start().await;
    let answer = generate(&house).await.read().await;
    let answer = answer.unwrap_or_else(|cut| match cut {
        Cut::Body(answer) => panic!("it was begun: {} {}", answer.status, answer.text()),
        Cut::Head(text) => panic!("{text}"),
    });
    assert_eq!((answer.status, answer.reason()), (502, Some("adapter")));
    house
        .save(&streams::file(&old, &new, "idempotent = true"))
        .await;
    let answer = generate(&house).await.read().await.unwrap();
    assert_eq!((answer.status, &*answer.text()), (200, "old"));
    house.at_rest().await;
    assert_eq!(house.candidate().troubles(Trouble::Adapter), 2);
    house.stop().await;
}

/// Takes everything from the candidate at once.
async fn cut(house: &House) {
    let mut client = Client::new(house.app.admin).await;
    let body = json!({ "hard": true }).to_string();
    let host = format!("host: {}", house.app.admin);
    client
        .send(format!(
            "POST /api/v1/rollback HTTP/1.1\r\n{host}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn half_an_answer_is_given_up_by_a_hard_rollback() {
    let (old, new) = (legacy(&Jobs::called("o")), Origin::saying(""));
    new.set(|_| vec![raw(HALF), Do::Stall]);
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    client.send(request("GET", "/api/jobs", &[], b"")).await;
    eventually("the candidate is asked", || new.count() == 1).await;
    // There is no operation for that, and it comes later than what the candidate has said.
    assert_eq!(house.get("/api/other").await.status, 404);
    cut(&house).await;
    let answer = client.read().await.unwrap();
    assert_eq!(
        (answer.status, &json(&answer)["more"]),
        (200, &json!(false))
    );
    house.at_rest().await;
    let books = house.candidate();
    assert_eq!((books.cut, books.fallbacks(Reason::Cut)), (1, 1));
    assert_eq!(
        (books.attempts(Class::Cancelled), books.all_troubles()),
        (1, 0)
    );
    house.stop().await;
}

#[tokio::test]
async fn half_an_answer_is_not_waited_for_for_ever() {
    let (old, new) = (legacy(&Jobs::called("o")), Origin::saying(""));
    new.set(|_| vec![raw(HALF), Do::Stall]);
    let backend = "timeouts = { head = \"300ms\" }";
    let sides = two_sides(&[&old], &[&new], backend, 100.0, ADAPTED);
    let house = Plan::new(format!("{sides}{ADAPTER}")).start().await;
    let mut client = house.client().await;
    let read = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    assert_eq!((read.status, &json(&read)["more"]), (200, &json!(false)));
    house.at_rest().await;
    let books = house.candidate();
    assert_eq!(books.troubles(Trouble::Gap), 1);
    assert_eq!(books.fallbacks(Reason::Stalled), 1);
    house.stop().await;
}

#[tokio::test]
async fn who_breaks_an_answer_by_sending_too_much_is_told_so() {
    let gate = Gate::default();
    let (old, held) = (Origin::saying("old"), gate.clone());
    // It answers before it has read anything.
    let new = Origin::early(move |_| vec![raw(HALF), Do::Hold(held.clone())]);
    let route = "max_body = \"1KiB\"\nadapters.candidate = \"text\"";
    let sides = two_sides(&[&old], &[&new], "", 100.0, route);
    let house = Plan::new(format!("{sides}{ECHO}")).start().await;
    let mut client = house.client().await;
    let head = "POST /echo HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(format!("{head}1\r\na\r\n")).await;
    eventually("the candidate is asked", || new.count() == 1).await;
    assert_eq!(house.get("/other").await.text(), "old");
    let more = "b".repeat(2000);
    client.send(format!("{:x}\r\n{more}\r\n", more.len())).await;
    let answer = client.read().await.unwrap();
    assert_eq!(
        (answer.status, answer.reason()),
        (413, Some("body_too_large"))
    );
    gate.open();
    house.at_rest().await;
    let books = house.candidate();
    assert_eq!(
        (books.all_troubles(), books.attempts(Class::Cancelled)),
        (0, 1)
    );
    house.stop().await;
}
