//! Heads that are too long, have too many lines, or are none.

use figshift::stats::Fault;
use tokio::io::AsyncWriteExt as _;

use super::others::{Others, assert_problem};
use crate::support::client::{Client, request};
use crate::support::house::Plan;
use crate::support::origin::Origin;

fn lines(count: usize) -> String {
    (0..count).map(|n| format!("x-{n}: v\r\n")).collect()
}

fn get(target: &str, lines: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nhost: a\r\n{lines}\r\n")
}

#[tokio::test]
async fn what_is_too_much_is_told_and_the_connection_ends() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let others = Others::begin(&house, "/").await;
    let megabyte = get("/", &format!("x: {}\r\n", "y".repeat(1_000_000)));
    let just = get("/", &format!("x: {}\r\n", "y".repeat(64 * 1024)));
    for (what, bytes, status, reason) in [
        ("a megabyte", megabyte, 431, "head_too_large"),
        ("just too large", just, 431, "head_too_large"),
        (
            "many lines",
            get("/", &lines(10_000)),
            431,
            "head_too_large",
        ),
        ("101 lines", get("/", &lines(100)), 431, "head_too_large"),
        (
            "a long target",
            get(&format!("/{}", "a".repeat(16 * 1024)), ""),
            414,
            "uri_too_long",
        ),
        (
            "nonsense",
            "NONSENSE\r\n\r\n".to_owned(),
            400,
            "bad_request",
        ),
    ] {
        let mut client = house.client().await;
        // The refusal may come before everything is sent.
        let _ = client.stream.write_all(bytes.as_bytes()).await;
        let answer = client.read().await;
        let answer = answer.unwrap_or_else(|cut| panic!("{what}: {cut:?}"));
        assert_problem(&answer, status, reason);
        if status != 414 {
            assert!(client.is_closed().await, "{what}");
        }
    }
    assert_eq!(house.faults(Fault::HeadTooLarge), 4);
    assert_eq!(house.faults(Fault::UriTooLong), 1);
    assert_eq!(house.faults(Fault::BadRequest), 1);
    let served = others.end().await;
    assert_eq!(
        origin.count(),
        served,
        "nothing of it has reached the backend"
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_is_just_not_too_much_is_served() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for bytes in [
        get("/", &lines(99)),
        get(&format!("/{}", "a".repeat(16 * 1024 - 1)), ""),
        get("/", &format!("x: {}\r\n", "y".repeat(63 * 1024))),
    ] {
        client.send(bytes).await;
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    house.stop().await;
}

#[tokio::test]
async fn limits_are_the_file_s_and_a_reload_sets_them() {
    let origin = Origin::saying("ok");
    let plan = Plan::alone(&origin, "");
    let rest = plan.rest.clone();
    let limits = "limits = { head = \"128KiB\", headers = 200, uri = \"64000B\" }";
    let house = plan.listen(limits).start().await;
    for bytes in [
        get("/", &lines(199)),
        get(&format!("/{}", "a".repeat(63_999)), ""),
        get("/", &format!("x: {}\r\n", "y".repeat(120 * 1024))),
    ] {
        let mut client = house.client().await;
        client.send(bytes).await;
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    let mut client = house.client().await;
    client.send(get("/", &lines(200))).await;
    assert_problem(&client.read().await.unwrap(), 431, "head_too_large");
    let mut kept = house.client().await;
    assert_eq!(kept.get("/").await.text(), "ok");

    let mut tight = Plan::new(rest).listen("limits = { headers = 10, uri = \"256B\" }");
    tight.http = house.app.http.to_string();
    house.save_text(&tight.text(house.folder.path())).await;
    assert_eq!(house.standing().last, figshift::control::Outcome::Applied);
    // By the next request, also on a connection that is there already.
    kept.send(get("/", &lines(10))).await;
    assert_problem(&kept.read().await.unwrap(), 431, "head_too_large");
    let mut client = house.client().await;
    client.send(get(&format!("/{}", "a".repeat(256)), "")).await;
    assert_problem(&client.read().await.unwrap(), 414, "uri_too_long");
    house.stop().await;
}

/// A refusal must not be mistaken for an answer, nor an answer for a refusal.
#[tokio::test]
async fn a_refusal_comes_after_the_answers_that_are_due() {
    let origin = Origin::new(|seen| match seen.target() {
        "/bad" => vec![crate::support::origin::status("400 Bad Request", &[], b"")],
        _ => vec![crate::support::origin::ok(b"ok")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    assert_eq!(client.get("/").await.text(), "ok");
    // What a backend says is its own word, a body or not.
    let answer = client.get("/bad").await;
    assert_eq!((answer.status, answer.reason()), (400, None));
    client.send("NONSENSE\r\n\r\n").await;
    assert_problem(&client.read().await.unwrap(), 400, "bad_request");
    assert!(client.is_closed().await);

    for bad in ["/bad", "/"] {
        let mut client: Client = house.client().await;
        let mut both = request("GET", bad, &[], b"");
        both.extend_from_slice(b"NONSENSE\r\n\r\n");
        client.send(both).await;
        let first = client.read().await.unwrap();
        assert_eq!(first.reason(), None, "{}", first.text());
        let second = client.read().await.unwrap();
        assert_eq!(second.status, 400);
        assert!(client.is_closed().await);
    }
    house.stop().await;
}
