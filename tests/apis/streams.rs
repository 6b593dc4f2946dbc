//! Event streams whose events are adapted one by one.

use serde_json::{Value, json};

use super::crud::json;
use crate::support::house::{Plan, two_sides};
use crate::support::origin::{Do, Gate, Origin, raw, status};

const ADAPTER: &str = r#"
[adapters.chat.operations.generate]
client   = "POST /generate_stream"
backend  = "POST /v1/completions"
request  = '{prompt: .inputs, stream: true}'
response = 'if .choices then (.choices[0] | {token: {text: .text}, done: (.finish_reason != null)}) else {whole: .text, asked: $request.inputs} end'
error    = '{error: (.error.message? // "failed"), error_type: "generation"}'
stream   = "event"
done     = "drop"
"#;
const ROUTE: &str = "adapters.candidate = \"chat\"";

pub(crate) fn file(old: &Origin, new: &Origin, more: &str) -> String {
    let sides = two_sides(&[old], &[new], "", 100.0, &format!("{ROUTE}\n{more}"));
    format!("{sides}{ADAPTER}")
}

pub(crate) fn chunk(text: &str) -> String {
    let data = json!({"choices": [{"text": text, "finish_reason": null}]});
    format!("id: 7\ndata: {data}\n\n")
}

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

fn part(text: &str) -> Do {
    raw(&format!("{:x}\r\n{text}\r\n", text.len()))
}

async fn generate(house: &crate::support::house::House) -> crate::support::client::Answer {
    let mut client = house.client().await;
    let body = json!({"inputs": "a"}).to_string();
    let lines = ["content-type: application/json"];
    client
        .request("POST", "/generate_stream", &lines, body.as_bytes())
        .await
        .unwrap()
}

#[tokio::test]
async fn each_event_is_adapted_however_it_is_split() {
    let whole = format!(
        ": hello\n\n{}{}data: [DONE]\n\n",
        chunk("fi"),
        chunk("g\nü")
    );
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let house = Plan::new(file(&old, &new, "")).start().await;
    let mut texts = Vec::new();
    for size in [1, 2, 7, 40, 4000] {
        let parts: Vec<Vec<u8>> = whole.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        new.set(move |_| {
            let mut steps = vec![raw(HEAD)];
            for bytes in &parts {
                let mut step = format!("{:x}\r\n", bytes.len()).into_bytes();
                step.extend_from_slice(bytes);
                step.extend_from_slice(b"\r\n");
                steps.push(Do::Send(step));
            }
            steps.push(raw("0\r\n\r\n"));
            steps
        });
        let answer = generate(&house).await;
        assert_eq!((answer.status, answer.get("content-length")), (200, None));
        texts.push(answer.text());
    }
    assert!(texts.iter().all(|text| text == &texts[0]), "{texts:?}");
    let data: Vec<Value> = texts[0]
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .map(|data| serde_json::from_str(data).unwrap())
        .collect();
    assert_eq!(data[0], json!({"token": {"text": "fi"}, "done": false}));
    assert_eq!(data[1]["token"]["text"], "g\nü");
    assert_eq!(data.len(), 2, "{}", texts[0]);
    assert!(
        texts[0].contains(": hello") && texts[0].contains("id: 7"),
        "{}",
        texts[0]
    );
    assert!(!texts[0].contains("[DONE]"));
    let seen = new.seen().pop().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&seen.body).unwrap(),
        json!({"prompt": "a", "stream": true})
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn an_event_is_with_the_client_before_the_next_one_exists() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let gate = Gate::default();
    let held = gate.clone();
    new.set(move |_| {
        vec![
            raw(HEAD),
            part(&chunk("one")),
            Do::Await(held.clone()),
            part(&chunk("two")),
            raw("0\r\n\r\n"),
        ]
    });
    let house = Plan::new(file(&old, &new, "")).start().await;
    let mut client = house.client().await;
    let body = json!({"inputs": "a"}).to_string();
    client
        .send(crate::support::client::request(
            "POST",
            "/generate_stream",
            &[],
            body.as_bytes(),
        ))
        .await;
    client.read_head().await;
    assert!(client.read_until("\"one\"").await.contains("token"));
    gate.open();
    client.read_until("\"two\"").await;
    house.stop().await;
}

#[tokio::test]
async fn a_stream_that_is_a_document_and_a_plain_answer_are_adapted_whole() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let stream = format!("{}data: [DONE]\n\n", chunk("x"));
    new.set(move |_| {
        vec![status(
            "200 OK",
            &["content-type: text/event-stream"],
            stream.as_bytes(),
        )]
    });
    let house = Plan::new(file(&old, &new, "")).start().await;
    let answer = generate(&house).await;
    assert!(
        answer
            .text()
            .contains(r#"{"token":{"text":"x"},"done":false}"#),
        "{}",
        answer.text()
    );
    assert_eq!(answer.get("content-type"), Some("text/event-stream"));
    assert!(!answer.text().contains("DONE"));
    new.set(|_| {
        vec![status(
            "200 OK",
            &["content-type: application/json"],
            br#"{"text":"all"}"#,
        )]
    });
    let answer = generate(&house).await;
    assert_eq!(json(&answer), json!({"whole": "all", "asked": "a"}));
    house.stop().await;
}

#[tokio::test]
async fn a_first_event_that_cannot_be_adapted_falls_back_and_a_later_one_breaks_the_stream() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    new.set(|_| {
        vec![
            raw(HEAD),
            part("data: {\"choices\": 1}\n\n"),
            raw("0\r\n\r\n"),
        ]
    });
    let house = Plan::new(file(&old, &new, "idempotent = true"))
        .start()
        .await;
    assert_eq!(generate(&house).await.text(), "old");
    let good = chunk("one");
    new.set(move |_| {
        vec![
            raw(HEAD),
            part(&good),
            part("data: no json\n\n"),
            part(&chunk("three")),
            raw("0\r\n\r\n"),
        ]
    });
    let mut client = house.client().await;
    let body = json!({"inputs": "a"}).to_string();
    client
        .send(crate::support::client::request(
            "POST",
            "/generate_stream",
            &[],
            body.as_bytes(),
        ))
        .await;
    let Err(crate::support::client::Cut::Body(answer)) = client.read().await else {
        panic!("a stream that broke passed for a whole one");
    };
    let text = answer.text();
    assert!(
        text.contains("\"one\"") && text.contains("event: error") && !text.contains("three"),
        "{text}"
    );
    house.at_rest().await;
    assert_eq!(
        house
            .candidate()
            .troubles(figshift::stats::Trouble::Adapter),
        2
    );
    house.stop().await;
}

#[tokio::test]
async fn an_error_event_is_adapted_by_the_program_for_errors() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let error = json!({"error": {"message": "no memory", "code": 400}});
    new.set(move |_| {
        vec![
            raw(HEAD),
            part(&format!("data: {error}\n\n")),
            raw("0\r\n\r\n"),
        ]
    });
    let house = Plan::new(file(&old, &new, "")).start().await;
    let answer = generate(&house).await;
    assert!(
        answer
            .text()
            .contains(r#"{"error":"no memory","error_type":"generation"}"#),
        "{}",
        answer.text()
    );
    house.stop().await;
}

#[tokio::test]
async fn what_came_before_a_bad_event_is_with_the_client_however_they_came() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let both = format!("{}data: no json\n\n", chunk("one"));
    new.set(move |_| vec![raw(HEAD), part(&both), raw("0\r\n\r\n")]);
    let house = Plan::new(file(&old, &new, "")).start().await;
    let mut client = house.client().await;
    let body = json!({"inputs": "a"}).to_string();
    client
        .send(crate::support::client::request(
            "POST",
            "/generate_stream",
            &[],
            body.as_bytes(),
        ))
        .await;
    let Err(crate::support::client::Cut::Body(answer)) = client.read().await else {
        panic!("a stream that broke passed for a whole one");
    };
    let text = answer.text();
    assert!(
        text.contains("\"one\"") && text.contains("event: error"),
        "{text}"
    );
    house.at_rest().await;
    assert_eq!(
        house
            .candidate()
            .troubles(figshift::stats::Trouble::Adapter),
        1
    );
    house.stop().await;
}
