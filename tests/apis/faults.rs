//! What cannot be adapted goes elsewhere or fails, and is counted.

use serde_json::{Value, json};

use super::crud::{ask, file, json};
use super::jobs::{Jobs, legacy, successor};
use crate::support::house::{House, Plan, two_sides};
use crate::support::origin::{Origin, status};
use figshift::stats::{Adapted, Direction};

fn runs(house: &House, operation: &str, direction: Direction, adapted: Adapted) -> u64 {
    let snapshot = house.app.publisher.current();
    let operation = snapshot.adapters[0].operation(operation).unwrap();
    let cells = operation.cells.iter();
    cells
        .map(|cell| cell.runs[direction as usize][adapted as usize].get())
        .sum()
}

#[tokio::test]
async fn a_request_that_cannot_be_adapted_goes_to_the_other_side_as_it_came() {
    let (old, new) = (legacy(&Jobs::called("o")), successor(&Jobs::called("n")));
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    // Not JSON, JSON that its program fails on, no operation at all, and too long.
    for (target, body, adapted) in [
        ("/api/jobs", b"no json".to_vec(), Some(Adapted::NotJson)),
        ("/api/jobs", b"[1]".to_vec(), Some(Adapted::Failed)),
        (
            "/api/jobs",
            "[".repeat(100_000).into_bytes(),
            Some(Adapted::TooDeep),
        ),
        ("/api/other", b"{}".to_vec(), None),
        ("/api/jobs", vec![b' '; 1024 * 1024 + 1], None),
    ] {
        let before = new.count();
        let was = adapted.map(|adapted| runs(&house, "create", Direction::Request, adapted));
        let answer = client.request("POST", target, &[], &body).await.unwrap();
        assert_eq!(new.count(), before, "{target}");
        let seen = old.seen().pop().unwrap();
        assert_eq!((seen.target(), seen.body.len()), (target, body.len()));
        assert!(seen.body == body, "the same bytes");
        assert!(answer.status == 200 || answer.status == 404);
        if let (Some(was), Some(adapted)) = (was, adapted) {
            assert_eq!(
                runs(&house, "create", Direction::Request, adapted),
                was + 1,
                "{adapted:?}"
            );
        }
    }
    house.at_rest().await;
    assert_eq!(house.candidate().all_attempts(), 0);
    house.stop().await;
}

#[tokio::test]
async fn without_another_side_it_fails_and_says_why() {
    let new = successor(&Jobs::called("n"));
    let sides = two_sides(&[&new], &[&new], "", 0.0, "adapters.primary = \"jobs\"");
    let fails = super::jobs::ADAPTER.replacen(
        "[adapters",
        "[adapters.jobs]\non_error = \"fail\"\n[adapters",
        1,
    );
    let house = Plan::new(format!("{sides}{fails}")).start().await;
    let mut client = house.client().await;
    for (target, body, status, reason) in [
        ("/api/jobs", &b"no json"[..], 400, "bad_request"),
        ("/api/jobs", b"[1]", 502, "adapter"),
        ("/api/other", b"{}", 404, "no_route"),
    ] {
        let answer = client.request("POST", target, &[], body).await.unwrap();
        assert_eq!(
            (answer.status, answer.reason()),
            (status, Some(reason)),
            "{}",
            answer.text()
        );
    }
    assert_eq!(new.count(), 0);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn an_answer_that_cannot_be_adapted_falls_back_if_that_is_safe() {
    let (old, new) = (legacy(&Jobs::called("o")), Origin::saying("no json"));
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    let read = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    assert_eq!((read.status, &json(&read)["more"]), (200, &json!(false)));
    let made = ask(
        &mut client,
        "POST",
        "/api/jobs",
        &json!({"input": {"text": "x"}}),
    )
    .await;
    assert_eq!((made.status, made.reason()), (502, Some("adapter")));
    // Errors pass as they are, if their program fails on them.
    new.set(|_| vec![status("500 Oh", &[], b"<html>")]);
    let read = ask(&mut client, "DELETE", "/api/jobs/7", &Value::Null).await;
    assert_eq!(
        (read.status, &json(&read)["error"]),
        (500, &json!({"message": "failed", "status": 500}))
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_compressed_answer_is_read_and_a_bomb_is_none() {
    use std::io::Write as _;
    let gzip = |bytes: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let (old, new) = (legacy(&Jobs::called("o")), Origin::saying(""));
    let small = gzip(br#"{"data":[{"id":"n1"}]}"#);
    let headers = ["content-encoding: gzip", "content-type: application/json"];
    new.set(move |_| vec![status("200 OK", &headers, &small)]);
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    let read = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    assert_eq!(
        json(&read),
        json!({"jobs": [{"job_id": "n1", "side": "new"}]})
    );
    assert_eq!(read.get("content-encoding"), None);
    let bomb = gzip(&vec![b' '; 64 * 1024 * 1024]);
    new.set(move |_| vec![status("200 OK", &headers, &bomb)]);
    let read = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    assert_eq!(json(&read)["more"], json!(false), "the other side");
    assert_eq!(
        runs(&house, "list", Direction::Response, Adapted::Coding),
        1
    );
    // A compressed request, too.
    let lines = ["content-encoding: gzip", "content-type: application/json"];
    let body = gzip(br#"{"input":{"text":"packed"}}"#);
    new.set(|_| {
        vec![status(
            "201 Created",
            &[],
            br#"{"id":"n2","status":"queued"}"#,
        )]
    });
    let made = client
        .request("POST", "/api/jobs", &lines, &body)
        .await
        .unwrap();
    assert_eq!((made.status, &json(&made)["job_id"]), (200, &json!("n2")));
    let seen = new.seen().pop().unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&seen.body).unwrap()["prompt"],
        "packed"
    );
    assert_eq!(seen.head.get("content-encoding"), None);
    house.stop().await;
}
