//! Requests that go no further: each gets an honest answer with a request id and a reason, and
//! costs nobody else anything.

use figshift::stats::Fault;

use crate::support::client::Answer;
use crate::support::house::Plan;
use crate::support::noise;
use crate::support::origin::Origin;

fn assert_problem(answer: &Answer, status: u16, reason: &str) {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.reason(), Some(reason));
    assert_eq!(answer.get("content-type"), Some("application/problem+json"));
    let id = answer.get("x-request-id").unwrap();
    let document: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(document["status"], status);
    assert_eq!(document["reason"], reason);
    assert_eq!(document["request_id"], id);
    assert_eq!(document["type"], format!("urn:figshift:problem:{reason}"));
    assert!(document["detail"].as_str().is_some_and(|s| !s.is_empty()));
}

#[tokio::test]
async fn what_cannot_be_carried_is_refused_with_a_reason() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    for (bytes, status, reason) in [
        ("GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        (
            "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
            400,
            "bad_request",
        ),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "bad_request"),
        (
            "GET http://u:p@a/ HTTP/1.1\r\nhost: a\r\n\r\n",
            400,
            "bad_request",
        ),
        (
            "CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n",
            501,
            "unsupported",
        ),
    ] {
        let mut client = house.client().await;
        client.send(bytes).await;
        assert_problem(&client.read().await.unwrap(), status, reason);
    }
    assert_eq!(house.faults(Fault::BadRequest), 4);
    assert_eq!(house.faults(Fault::Unsupported), 1);
    assert_eq!(origin.accepted(), 0);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let long = format!(
        "GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n",
        "y".repeat(1_000_000)
    );
    for (bytes, status) in [
        ("NONSENSE\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n", 400),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: x\r\n\r\n",
            400,
        ),
        (
            "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
            400,
        ),
        (long.as_str(), 431),
    ] {
        let mut client = house.client().await;
        // The refusal may come before everything is sent.
        let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, bytes.as_bytes()).await;
        if let Ok(answer) = client.read().await {
            assert_eq!(answer.status, status, "{:.60}", bytes);
        } else {
            assert_eq!(status, 431, "{:.60}", bytes);
        }
    }
    assert_eq!(origin.accepted(), 0);
    assert_eq!(house.get("/").await.text(), "ok");
    house.stop().await;
}

#[tokio::test]
async fn a_request_with_two_framings_is_not_two_requests() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    // Whoever goes by the length sees a second request behind the chunks.
    client
        .send(
            "POST /one HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n\
             1e\r\nGET /two HTTP/1.1\r\nhost: a\r\n\r\n\r\n0\r\n\r\n",
        )
        .await;
    if let Ok(answer) = client.read().await {
        assert!([200, 400].contains(&answer.status));
    }
    let seen = origin.seen();
    assert!(seen.iter().all(|request| request.target() == "/one"));
    for request in &seen {
        assert!(request.head.get("content-length").is_none() || !request.head.is_chunked());
    }
    house.stop().await;
}

#[tokio::test]
async fn an_unknown_route_is_not_found_and_the_connection_lives() {
    let origin = Origin::saying("ok");
    let rest = Plan::alone(&origin, "").rest + "match = { path = \"/v1/*\" }\n";
    let house = Plan::new(rest).start().await;
    let mut client = house.client().await;
    for _ in 0..2 {
        assert_problem(&client.get("/v2").await, 404, "no_route");
        assert_eq!(client.get("/v1/x").await.text(), "ok");
        // The answer to a HEAD has the same head and no body.
        let head = client.request("HEAD", "/v2", &[], b"").await.unwrap();
        assert_eq!((head.status, head.reason()), (404, Some("no_route")));
    }
    let answer = client.get_with("/v2", &["x-request-id: mine"]).await;
    assert_eq!(answer.get("x-request-id"), Some("mine"));
    assert_problem(&answer, 404, "no_route");
    house.stop().await;
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_uploading() {
    let origin = Origin::saying("ok");
    let rest = Plan::alone(&origin, "").rest + "match = { path = \"/v1/*\" }\n";
    let house = Plan::new(rest).start().await;
    let mut client = house.client().await;
    let body = noise(40_000);
    // Sent before the answer is read, as simple clients do it.
    let answer = client.request("POST", "/v2", &[], &body).await;
    assert_problem(&answer.unwrap(), 404, "no_route");
    house.at_rest().await;
    house.stop().await;
}
