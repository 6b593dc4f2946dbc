//! What can be wrapped, and what goes to the other side instead.

use figshift::stats::{Class, Fault, Reason};

use serde_json::json;

use super::stand::{admin, alone, house, post_body, seen};
use crate::support::client::{Answer, request};
use crate::support::eventually;
use crate::support::house::{House, Plan, backend_table};
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, Engine, Work, Worker};

/// Sends it, and reads the answer.
async fn send(house: &House, method: &str, lines: &[&str], body: &[u8]) -> Answer {
    let mut client = house.client().await;
    client.request(method, "/v1/x", lines, body).await.unwrap()
}

/// How many there are.
const CASES: usize = 12;

/// Method, header lines, body; and what is answered where there is no other side.
type Case<'a> = (&'a str, &'a [&'a str], &'a [u8], u16, Fault);

const JSON: &str = "content-type: application/json";

#[tokio::test]
async fn what_cannot_be_wrapped_goes_to_the_other_side_whole() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let sided = house(&engine, &old, "max_body = \"2KiB\"", "").await;
    let lonely = alone(&engine, "max_body = \"2KiB\"", "").await;
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(3000));
    let deep = format!("{{\"a\": {}{}}}", "[".repeat(300), "]".repeat(300));
    let cases: [Case<'_>; CASES] = [
        ("GET", &[], b"", 501, Fault::Unsupported),
        ("PUT", &[JSON], b"{}", 501, Fault::Unsupported),
        (
            "POST",
            &["content-type: text/plain"],
            b"{}",
            415,
            Fault::Unfit,
        ),
        (
            "POST",
            &["content-type: multipart/form-data; boundary=x"],
            b"{}",
            415,
            Fault::Unfit,
        ),
        (
            "POST",
            &[JSON, "content-encoding: gzip"],
            b"{}",
            415,
            Fault::Unfit,
        ),
        ("POST", &[JSON], b"", 415, Fault::Unfit),
        ("POST", &[JSON], b"[1]", 415, Fault::Unfit),
        (
            "POST",
            &[JSON],
            b"{\"a\": 1}, \"session_id\": \"stolen\", \"x\": {}",
            415,
            Fault::Unfit,
        ),
        (
            "POST",
            &[JSON],
            b"{\"a\": 1}} {\"auth_data\": {\"url\": \"x\"}",
            415,
            Fault::Unfit,
        ),
        ("POST", &[JSON], b"{\"a\": \"\xff\"}", 415, Fault::Unfit),
        ("POST", &[JSON], deep.as_bytes(), 415, Fault::Unfit),
        ("POST", &[JSON], large.as_bytes(), 413, Fault::BodyTooLarge),
    ];
    for (n, (method, lines, body, status, fault)) in cases.into_iter().enumerate() {
        let answer = send(&sided, method, lines, body).await;
        assert_eq!((answer.status, answer.text().as_str()), (200, "old"), "{n}");
        assert_eq!((old.count(), old.seen()[n].body.as_slice()), (n + 1, body));
        let answer = send(&lonely, method, lines, body).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (status, Some(fault.as_str())),
            "{n}"
        );
    }
    assert_eq!((worker.count(), engine.asked()), (0, 0));
    let answer = send(&sided, "GET", &[], b"").await;
    let id = answer.get("x-request-id").unwrap();
    let told = admin(&sided, &format!("/api/v1/requests/{id}")).await;
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let tried = &told["tries"][0];
    let why = (&tried["side"], &tried["turn"], &tried["reason"]);
    assert_eq!(
        why,
        (&json!("primary"), &json!("bypass"), &json!("unfit")),
        "{told}"
    );
    let counts = sided.candidate();
    let all = CASES as u64 + 1;
    assert_eq!(
        (counts.fallbacks(Reason::Unfit), counts.elsewhere(Class::Ok)),
        (all, all)
    );
    assert_eq!(counts.all_attempts(), 0);
    assert_eq!(lonely.primary().here(Class::ClientError), all - 1);
    for house in [sided, lonely] {
        assert_eq!(seen(&house).trips, 0);
        house.stop().await;
    }
}

#[tokio::test]
async fn a_body_in_chunks_is_read_to_the_limit_and_goes_on_from_there() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let lines = "max_body = \"100KiB\"";
    let house = house(&engine, &old, lines, "replay_bytes = \"1KiB\"").await;
    let chunks = |body: &str| {
        let mut text = String::new();
        for part in body.as_bytes().chunks(7000) {
            let part = std::str::from_utf8(part).unwrap();
            text += &format!("{:x}\r\n{part}\r\n", part.len());
        }
        text + "0\r\n\r\n"
    };
    let head = format!(
        "POST /v1/x HTTP/1.1\r\nhost: test\r\n{JSON}\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    for (len, text) in [(90_000, COMPLETION), (300_000, "old")] {
        let body = format!("{{\"a\": \"{}\"}}", "x".repeat(len));
        let mut client = house.client().await;
        client.send(format!("{head}{}", chunks(&body))).await;
        let answer = client.read().await.unwrap();
        assert_eq!(answer.text(), text);
        if text == "old" {
            assert!(old.seen()[0].body == body.as_bytes(), "not a byte is lost");
        } else {
            let seen = &worker.origin.seen()[0];
            let envelope = String::from_utf8_lossy(&seen.body);
            assert!(envelope.ends_with(&format!(",\"payload\":{body}}}")));
        }
    }
    // What was read whole can be sent to the other side, however little is held there.
    engine.say(&[crate::support::serverless::Say::Garbage]);
    let body = format!("{{\"a\": \"{}\"}}", "y".repeat(90_000));
    assert_eq!(post_body(&house, &[], &body).await.text(), "old");
    assert!(old.seen()[1].body == body.as_bytes());
    house.stop().await;
}

#[tokio::test]
async fn what_fails_on_the_primary_and_fits_not_here_keeps_its_failure() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::dead();
    let new = super::stand::backend(&engine, "", "");
    let table = backend_table("old", &[&old], "");
    let route =
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 0.01\n";
    let house = Plan::new(format!("{table}{new}{route}")).start().await;
    super::stand::has_key(&house).await;
    let answer = send(&house, "GET", &[], b"").await;
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_connect"))
    );
    let answer = send(&house, "POST", &[JSON], b"{}").await;
    assert_eq!(answer.text(), COMPLETION);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_is_too_slow_with_its_body_is_told_so() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let house = alone(&engine, "", "timeouts.head = \"400ms\"").await;
    let mut client = house.client().await;
    let whole = request("POST", "/", &[JSON], b"{\"a\": 1}");
    client.send(&whole[..whole.len() - 3]).await;
    let answer = client.read().await.unwrap();
    assert_eq!((answer.status, answer.reason()), (408, Some("slow_body")));
    assert_eq!(engine.asked(), 0);
    // One that leaves is nobody's failure.
    let mut client = house.client().await;
    client.send(&whole[..whole.len() - 3]).await;
    drop(client);
    house.at_rest().await;
    assert_eq!((engine.asked(), seen(&house).trips), (0, 0));
    house.stop().await;
}

#[tokio::test]
async fn two_of_them_each_get_what_they_ask_for() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let other = Engine::new(&[worker.ready()]);
    let lines = "max_body = \"2KiB\"\ncost = { field = \"max_tokens\" }";
    let old = super::stand::backend(&other, lines, "").replace("backends.new", "backends.old");
    let house = super::stand::with(&engine, old, "cost = 7", "", "").await;
    let ready = || {
        let snapshot = house.app.publisher.current();
        let mut members = snapshot.backends.iter().flat_map(|one| &one.members);
        members.all(|member| member.endpoint.fitness.sight().proven)
    };
    eventually("both have their keys", ready).await;
    let small = "{\"max_tokens\": 256}";
    assert_eq!(post_body(&house, &[], small).await.text(), COMPLETION);
    assert_eq!(engine.questions()[0]["cost"], 7.0);
    engine.say(&[crate::support::serverless::Say::Garbage]);
    assert_eq!(post_body(&house, &[], small).await.text(), COMPLETION);
    assert_eq!(other.questions()[0]["cost"], 256.0);
    // Too large for the second one: the first one has failed.
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(3000));
    let answer = post_body(&house, &[], &large).await;
    let told = (answer.status, answer.reason(), other.asked());
    assert_eq!(told, (502, Some("upstream_connect"), 1));
    house.stop().await;
}

#[tokio::test]
async fn what_does_not_fit_waits_for_no_seat_and_is_no_unit() {
    let worker = Worker::new(&[Work::Stall]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::saying("old");
    let table = backend_table("old", &[&old], "");
    let more = "limit = { in_flight = 1, queue = 8 }";
    let house = super::stand::with(&engine, table, "", more, "").await;
    let mut client = house.client().await;
    client.send(request("POST", "/", &[JSON], b"{}")).await;
    eventually("it sits there", || worker.count() == 1).await;
    assert_eq!(send(&house, "GET", &[], b"").await.text(), "old");
    let snapshot = house.app.publisher.current();
    let cohorts = snapshot.routes[0].cohorts.as_ref().unwrap();
    let units: u64 = (0..60).map(|second| cohorts.read(second).candidate.n).sum();
    assert_eq!(units, 1);
    drop(client);
    house.stop().await;
}
