//! A client of the legacy API never learns that there is another one.

use serde_json::{Value, json};

use super::jobs::{ADAPTED, ADAPTER, Jobs, OWNERSHIP, legacy, successor};
use crate::support::client::{Answer, Client};
use crate::support::house::{House, Plan, two_sides};
use crate::support::origin::{Origin, raw, status};

pub(crate) fn file(old: &Origin, new: &Origin, percent: f64, more: &str) -> String {
    let sides = two_sides(&[old], &[new], "", percent, ADAPTED);
    format!("{sides}{ADAPTER}{more}")
}

pub(crate) fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.text()))
}

pub(crate) async fn ask(client: &mut Client, method: &str, target: &str, body: &Value) -> Answer {
    let text = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let lines = ["content-type: application/json", "accept-encoding: gzip"];
    client
        .request(method, target, &lines, text.as_bytes())
        .await
        .unwrap()
}

/// Makes, reads, changes, cancels and removes a job, as a client of the legacy API does.
async fn whole_life(house: &House, side: &str) {
    let mut client = house.client().await;
    let made = ask(
        &mut client,
        "POST",
        "/api/jobs",
        &json!({"input": {"text": "a fig", "seed": 9007199254740993u64}}),
    )
    .await;
    assert_eq!(made.status, 200, "{}", made.text());
    let id = json(&made)["job_id"].as_str().unwrap().to_owned();
    assert_eq!(json(&made)["state"], "PENDING");
    assert_eq!(json(&made)["side"], side);
    let path = format!("/api/jobs/{id}");
    let read = ask(&mut client, "GET", &path, &Value::Null).await;
    assert_eq!((read.status, &json(&read)["text"]), (200, &json!("a fig")));
    assert_eq!(json(&read)["side"], side);
    let changed = ask(
        &mut client,
        "PUT",
        &path,
        &json!({"input": {"text": "ein Baum ü"}}),
    )
    .await;
    assert_eq!(
        (changed.status, &json(&changed)["text"]),
        (200, &json!("ein Baum ü"))
    );
    let cancelled = ask(&mut client, "POST", &format!("{path}/cancel"), &json!({})).await;
    assert_eq!(
        (cancelled.status, &json(&cancelled)["state"]),
        (200, &json!("FAILED"))
    );
    let removed = ask(&mut client, "DELETE", &path, &Value::Null).await;
    assert_eq!(
        (removed.status, &json(&removed)["job_id"]),
        (200, &json!(id))
    );
    let gone = ask(&mut client, "GET", &path, &Value::Null).await;
    assert_eq!(gone.status, 404);
    assert!(
        json(&gone)["error"]["message"].is_string(),
        "{}",
        gone.text()
    );
}

#[tokio::test]
async fn a_client_of_the_legacy_api_works_unchanged_at_any_percent() {
    let (old_jobs, new_jobs) = (Jobs::called("o"), Jobs::called("n"));
    let (old, new) = (legacy(&old_jobs), successor(&new_jobs));
    let house = Plan::new(file(&old, &new, 0.0, OWNERSHIP)).start().await;
    whole_life(&house, "old").await;
    assert_eq!(new.count(), 0, "nothing goes to the candidate");
    house.save(&file(&old, &new, 100.0, OWNERSHIP)).await;
    whole_life(&house, "new").await;
    house.save(&file(&old, &new, 50.0, OWNERSHIP)).await;
    let mut sides = [0, 0];
    let mut client = house.client().await;
    for n in 0..60 {
        let body = json!({"input": {"text": format!("fig {n}")}});
        let made = json(&ask(&mut client, "POST", "/api/jobs", &body).await);
        let path = format!("/api/jobs/{}", made["job_id"].as_str().unwrap());
        let read = json(&ask(&mut client, "GET", &path, &Value::Null).await);
        assert_eq!(read["side"], made["side"], "{path}");
        assert_eq!(read["text"], json!(format!("fig {n}")));
        sides[usize::from(made["side"] == "new")] += 1;
    }
    assert!(sides[0] > 5 && sides[1] > 5, "{sides:?}");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_the_backend_gets_is_a_request_of_its_own_api() {
    let (old, new) = (Origin::saying("old"), successor(&Jobs::called("n")));
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    let body = json!({"input": {"text": "x", "seed": 18446744073709551615u64}});
    let made = ask(&mut client, "POST", "/api/jobs?trace=1", &body).await;
    let seen = new.seen().pop().unwrap();
    assert_eq!((seen.method(), seen.target()), ("POST", "/v1/jobs?trace=1"));
    let got: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(got, json!({"prompt": "x", "seed": 18446744073709551615u64}));
    assert_eq!(seen.head.content_length(), Some(seen.body.len()));
    assert_eq!(seen.head.get("content-type"), Some("application/json"));
    assert_eq!(seen.head.get("accept-encoding"), Some("identity"));
    // Of the old body nothing is said any more.
    assert_eq!(made.get("etag"), None);
    assert_eq!(made.head.content_length(), Some(made.body.len()));
    assert_eq!(json(&made)["seed"], json!(18446744073709551615u64));
    // A HEAD gets what the GET would say, without its body.
    let id = json(&made)["job_id"].as_str().unwrap().to_owned();
    let bare = "HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 9\r\n\r\n";
    new.set(move |_| vec![raw(bare)]);
    let head = client
        .request("HEAD", &format!("/api/jobs/{id}"), &[], b"")
        .await
        .unwrap();
    assert_eq!((head.status, head.get("etag")), (200, None));
    assert_eq!(new.seen().pop().unwrap().method(), "HEAD");
    house.stop().await;
}

#[tokio::test]
async fn the_adapter_may_stand_before_the_primary() {
    let jobs = Jobs::called("n");
    let (old, new) = (successor(&jobs), legacy(&Jobs::called("o")));
    let sides = two_sides(&[&old], &[&new], "", 0.0, "adapters.primary = \"jobs\"");
    let house = Plan::new(format!("{sides}{ADAPTER}")).start().await;
    let mut client = house.client().await;
    let made = ask(
        &mut client,
        "POST",
        "/api/jobs",
        &json!({"input": {"text": "x"}}),
    )
    .await;
    assert_eq!((made.status, &json(&made)["side"]), (200, &json!("new")));
    assert_eq!(jobs.ids(), ["n1"]);
    house.stop().await;
}

#[tokio::test]
async fn a_location_leads_to_where_the_client_can_go() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let house = Plan::new(file(&old, &new, 100.0, "")).start().await;
    let mut client = house.client().await;
    for (theirs, ours) in [
        ("/v1/jobs/7", "/api/jobs/7"),
        (
            "http://gpu.internal:9/v1/jobs/7?full=1#end",
            "/api/jobs/7?full=1#end",
        ),
        ("/v1/jobs/7/stop", "/api/jobs/7/cancel"),
        (
            "https://elsewhere.test/files/7",
            "https://elsewhere.test/files/7",
        ),
    ] {
        let line = format!("location: {theirs}");
        new.set(move |_| {
            vec![status(
                "201 Created",
                &[&line],
                br#"{"id":"7","status":"queued"}"#,
            )]
        });
        let made = ask(&mut client, "POST", "/api/jobs", &json!({"input": {}})).await;
        assert_eq!((made.status, made.get("location")), (200, Some(ours)));
    }
    house.stop().await;
}
