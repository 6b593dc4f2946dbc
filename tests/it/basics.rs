//! Ordinary requests: every kind of framing arrives as it was sent, in both directions.

use crate::support::client::Client;
use crate::support::house::Plan;
use crate::support::noise;
use crate::support::origin::{Do, Origin, ok, raw, status};

#[tokio::test]
async fn a_get_and_a_post_arrive_whole() {
    let origin = Origin::new(|seen| vec![ok(&seen.body)]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let answer = client.get("/a?b=c%20d").await;
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    let answer = client.request("POST", "/p", &[], b"hello").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
    let seen = origin.seen();
    assert_eq!(seen[0].head.first, "GET /a?b=c%20d HTTP/1.1");
    assert_eq!(seen[1].head.first, "POST /p HTTP/1.1");
    assert_eq!(seen[1].head.all("content-length"), ["5"]);
    assert!(!seen[1].head.is_chunked());
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn answers_without_a_body_end_where_they_must() {
    let origin = Origin::new(|seen| match (seen.method(), seen.target()) {
        ("HEAD", _) => vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n")],
        (_, "/204") => vec![raw("HTTP/1.1 204 No Content\r\n\r\n")],
        (_, "/304") => vec![raw(
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 77\r\netag: \"x\"\r\n\r\n",
        )],
        _ => vec![ok(b"next")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let head = client.request("HEAD", "/h", &[], b"").await.unwrap();
        assert_eq!(head.get("content-length"), Some("1234"));
        assert_eq!(client.get("/204").await.status, 204);
        let not_modified = client.get("/304").await;
        assert_eq!(not_modified.get("etag"), Some("\"x\""));
        // Whatever was left over of the others would stand before this one.
        assert_eq!(client.get("/").await.text(), "next");
    }
    // None of them cost a connection.
    assert_eq!(origin.accepted(), 1);
    house.stop().await;
}

#[tokio::test]
async fn connections_to_the_backend_are_used_again() {
    let origin = Origin::new(|seen| match seen.target() {
        "/empty" => vec![ok(b"")],
        "/chunked" => vec![raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        )],
        "/two" => vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nab"),
            raw("cd"),
        ],
        _ => vec![ok(b"hello")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for round in 0..40 {
        let target = ["/", "/empty", "/chunked", "/two"][round % 4];
        assert_eq!(client.get(target).await.status, 200);
        let body = noise(round * 100 + 1);
        let answer = client.request("POST", target, &[], &body).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(origin.seen()[round * 2 + 1].body, body);
    }
    assert_eq!(origin.accepted(), 1);
    house.stop().await;
}

#[tokio::test]
async fn chunked_bodies_pass_in_both_directions() {
    let origin = Origin::new(|_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n"),
            raw("4\r\ndefg\r\n0\r\n\r\n"),
        ]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for method in ["POST", "PUT", "GET", "DELETE"] {
        client
            .send(format!(
                "{method} / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n"
            ))
            .await;
        client.send("3\r\n ho\r\n0\r\n\r\n").await;
        let answer = client.read().await.unwrap();
        assert_eq!(answer.text(), "abcdefg");
        let seen = origin.seen().pop().unwrap();
        assert_eq!(seen.method(), method);
        assert_eq!(seen.body, b"hi ho", "{method}");
        assert!(seen.whole);
    }
    house.stop().await;
}

#[tokio::test]
async fn trailers_pass_in_both_directions() {
    let origin = Origin::new(|_| {
        vec![raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n\
             2\r\nok\r\n0\r\nx-sum: 17\r\n\r\n",
        )]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    client
        .send(
            "POST / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\
             trailer: x-check\r\n\r\n2\r\nhi\r\n0\r\nx-check: 23\r\n\r\n",
        )
        .await;
    let answer = client.read().await.unwrap();
    assert_eq!(answer.trailers.get("x-sum"), Some("17"));
    let seen = &origin.seen()[0];
    assert_eq!(seen.trailers.get("x-check"), Some("23"));
    assert_eq!(seen.head.get("te"), Some("trailers"));
    house.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let origin = Origin::new(|seen| vec![ok(seen.target().as_bytes())]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let mut sent = Vec::new();
    for n in 0..20 {
        let method = if n % 3 == 0 { "POST" } else { "GET" };
        let body = if n % 3 == 0 { "some body" } else { "" };
        sent.extend(crate::support::client::request(
            method,
            &format!("/{n}"),
            &[],
            body.as_bytes(),
        ));
    }
    client.send(&sent).await;
    for n in 0..20 {
        assert_eq!(client.read().await.unwrap().text(), format!("/{n}"));
    }
    house.stop().await;
}

#[tokio::test]
async fn clients_of_http_1_0_are_served() {
    let origin = Origin::new(|seen| match seen.target() {
        "/chunked" => vec![raw(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        )],
        _ => vec![ok(b"hello")],
    });
    let house = Plan::alone(&origin, "").start().await;
    // Without keep-alive, and without a Host, which HTTP/1.0 does not ask for.
    let mut client = house.client().await;
    client.send("GET / HTTP/1.0\r\n\r\n").await;
    assert_eq!(client.read().await.unwrap().text(), "hello");
    assert!(client.is_closed().await);
    let authority = origin.address.to_string();
    assert_eq!(origin.seen()[0].head.all("host"), [authority.as_str()]);
    // With keep-alive.
    let mut client = house.client().await;
    for _ in 0..3 {
        client
            .send("GET / HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")
            .await;
        let answer = client.read().await.unwrap();
        assert_eq!(answer.text(), "hello");
        let connection = answer.get("connection").unwrap_or_default();
        assert_eq!(connection.to_ascii_lowercase(), "keep-alive");
    }
    // A body of unknown length must not come in chunks: HTTP/1.0 does not know them.
    client
        .send("GET /chunked HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n")
        .await;
    let answer = client.read().await.unwrap();
    assert!(!answer.head.is_chunked());
    assert_eq!(answer.text(), "hello");
    house.stop().await;
}

#[tokio::test]
async fn odd_targets_are_understood() {
    let origin = Origin::saying("ok");
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    client
        .send("GET http://b.test:81/x?y HTTP/1.1\r\nhost: a\r\n\r\n")
        .await;
    assert_eq!(client.read().await.unwrap().status, 200);
    client.send("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(client.read().await.unwrap().status, 200);
    let seen = origin.seen();
    assert_eq!(seen[0].head.first, "GET /x?y HTTP/1.1");
    assert_eq!(seen[0].head.all("host"), ["b.test:81"]);
    assert_eq!(seen[1].head.first, "OPTIONS * HTTP/1.1");
    house.stop().await;
}

#[tokio::test]
async fn large_bodies_pass_byte_for_byte() {
    let origin = Origin::new(|seen| match seen.target() {
        // In two framings.
        "/echo" => vec![ok(&seen.body)],
        _ => {
            let mut answer = format!(
                "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{:x}\r\n",
                seen.body.len()
            )
            .into_bytes();
            answer.extend_from_slice(&seen.body);
            answer.extend_from_slice(b"\r\n0\r\n\r\n");
            vec![Do::Send(answer)]
        }
    });
    let house = Plan::alone(&origin, "").start().await;
    let body = noise(5_000_000);
    for target in ["/echo", "/chunked"] {
        let mut client = Client::small(house.app.http).await;
        let answer = client.request("POST", target, &[], &body).await.unwrap();
        assert!(answer.body == body, "{target}: bytes differ");
    }
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn expect_is_answered_and_statuses_pass() {
    let origin = Origin::new(|seen| match seen.target() {
        "/teapot" => vec![status("418 Short and stout", &["x-a: 1", "x-a: 2"], b"tea")],
        _ => vec![ok(&seen.body)],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        .await;
    assert!(client.read_head().await.first.starts_with("HTTP/1.1 100"));
    client.send("hi").await;
    assert_eq!(client.read().await.unwrap().text(), "hi");
    assert_eq!(origin.seen()[0].head.get("expect"), None);
    let teapot = client.get("/teapot").await;
    assert_eq!(teapot.status, 418);
    assert_eq!(teapot.head.all("x-a"), ["1", "2"]);
    assert_eq!(teapot.text(), "tea");
    house.stop().await;
}
