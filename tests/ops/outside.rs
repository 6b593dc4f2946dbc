//! The client for services outside: an answer comes whole, in time and within bounds, or not at all.

use std::time::Duration;

use figshift::outbound::{Answer, NoAnswer, Outside};
use serde_json::{Value, json};

use crate::support::origin::{Do, Origin, ok, raw, status};

const TOKEN: &str = "correct-horse-battery-staple";
const TIMEOUT: Duration = Duration::from_secs(10);

async fn ask(origin: &Origin) -> Result<Answer, NoAnswer> {
    let url = format!("{}/may/i?x=1", origin.url());
    let body = json!({ "a": 1 });
    Outside::default()
        .post(&url, Some(TOKEN), &body, TIMEOUT)
        .await
}

#[tokio::test]
async fn what_is_asked_arrives() {
    let origin = Origin::saying("yes");
    let answer = ask(&origin).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"yes"[..]));
    let seen = &origin.seen()[0];
    assert_eq!((seen.method(), seen.target()), ("POST", "/may/i?x=1"));
    assert_eq!(seen.head.get("content-type"), Some("application/json"));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(seen.head.get("authorization"), Some(&*bearer));
    let agent = concat!("figshift/", env!("CARGO_PKG_VERSION"));
    assert_eq!(seen.head.get("user-agent"), Some(agent));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body, json!({ "a": 1 }));

    let outside = Outside::default();
    let answer = outside.post(&origin.url(), None, &body, TIMEOUT).await;
    assert_eq!(answer.unwrap().status, 200);
    assert_eq!(origin.seen()[1].head.get("authorization"), None);
}

#[tokio::test]
async fn what_is_got_comes_with_its_headers() {
    let origin = Origin::new(|_| vec![status("200 OK", &["x-left: 7"], b"yes")]);
    let outside = Outside::default();
    let url = format!("{}/list?x=1", origin.url());
    let answer = outside.get(&url, Some(TOKEN), 3, TIMEOUT).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (200, &b"yes"[..]));
    assert_eq!(answer.headers["x-left"], "7");
    let seen = &origin.seen()[0];
    assert_eq!((seen.method(), seen.target()), ("GET", "/list?x=1"));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(seen.head.get("authorization"), Some(&*bearer));
    let longer = outside.get(&url, None, 2, TIMEOUT).await;
    assert_eq!(longer, Err(NoAnswer::TooLong(2)));
    assert_eq!(origin.seen()[1].head.get("authorization"), None);
}

#[tokio::test]
async fn redirects_are_answers_and_nothing_is_asked_twice() {
    let elsewhere = Origin::saying("elsewhere");
    let location = format!("location: {}", elsewhere.url());
    let origin = Origin::new(move |_| vec![status("307 Temporary Redirect", &[&location], b"")]);
    assert_eq!(ask(&origin).await.unwrap().status, 307);
    assert_eq!((origin.count(), elsewhere.count()), (1, 0));
}

#[tokio::test]
async fn the_wait_is_told_where_it_means_one() {
    for (line, seconds) in [
        ("429 Too Many Requests", Some(7)),
        ("503 Service Unavailable", Some(7)),
        ("200 OK", None),
    ] {
        let origin = Origin::new(move |_| vec![status(line, &["retry-after: 7"], b"")]);
        let wait = ask(&origin).await.unwrap().retry_after;
        assert_eq!(wait, seconds.map(Duration::from_secs), "{line}");
    }
}

#[tokio::test]
async fn nobody_fills_the_memory() {
    const MOST: usize = 64 * 1024;
    let origin = Origin::new(|_| vec![ok(&[b'x'; MOST])]);
    assert_eq!(ask(&origin).await.unwrap().body.len(), MOST);
    origin.set(|_| vec![ok(&[b'x'; MOST + 1])]);
    assert_eq!(ask(&origin).await, Err(NoAnswer::TooLong(MOST)));
    // Without a length, and without an end.
    let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
    let endless = chunk.repeat(20);
    origin.set(move |_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        vec![raw(head), raw(&endless), Do::Stall]
    });
    assert_eq!(ask(&origin).await, Err(NoAnswer::TooLong(MOST)));
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let origin = Origin::new(|_| {
        let half = "HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n{\"approved\":";
        vec![raw(half), Do::Close]
    });
    assert!(matches!(ask(&origin).await, Err(NoAnswer::Broken(_))));
    origin.set(|_| vec![raw("SSH-2.0-OpenSSH_9.2\r\n"), Do::Close]);
    assert!(matches!(ask(&origin).await, Err(NoAnswer::Broken(_))));
    let refused = ask(&Origin::dead()).await.unwrap_err().to_string();
    assert!(refused.contains("refused"), "{refused}");
    assert!(!refused.contains("127.0.0.1"), "{refused}");
}

#[tokio::test]
async fn who_hangs_is_left() {
    let limit = Duration::from_millis(100);
    let late = Err(NoAnswer::Late(limit));
    let origin = Origin::new(|_| vec![Do::Stall]);
    let outside = Outside::default();
    let head = outside.post(&origin.url(), None, &json!({}), limit).await;
    assert_eq!(head, late);
    origin.set(|_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{";
        vec![raw(head), Do::Stall]
    });
    let body = outside.post(&origin.url(), None, &json!({}), limit).await;
    assert_eq!(body, late);
    crate::support::eventually("both are left", || origin.left() == 2).await;
}
