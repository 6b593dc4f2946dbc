//! Requests that ask for another protocol: where they go, what both ends are told, and what becomes
//! of those that ask or answer wrongly.

use figshift::stats::{Class, Fault, Reason};

use crate::support::client::{Client, request};
use crate::support::house::{House, Plan};
use crate::support::message::Head;
use crate::support::origin::{Do, Origin, ok, raw, status};

pub(crate) const ASK: [&str; 2] = ["connection: Upgrade", "upgrade: chat/1"];
pub(crate) const AGREED: &str =
    "HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: chat/1\r\n\r\n";

/// Agrees, says who it is, and sends back what comes.
fn echo(name: &'static str) -> Origin {
    Origin::new(move |seen| match seen.head.get("upgrade") {
        Some(_) => vec![raw(AGREED), raw(name), Do::Echo],
        None => vec![ok(name.as_bytes())],
    })
}

/// Asks and gets a head.
pub(crate) async fn ask(house: &House, method: &str, lines: &[&str]) -> (Client, Head) {
    let mut client = house.client().await;
    client.send(request(method, "/", lines, b"")).await;
    let head = client.read_head().await;
    (client, head)
}

/// A tunnel that is open.
pub(crate) async fn open(house: &House) -> Client {
    let (client, head) = ask(house, "GET", &ASK).await;
    assert_eq!(head.first, "HTTP/1.1 101 Switching Protocols");
    client
}

#[tokio::test]
async fn both_ends_are_told_and_no_byte_is_lost_at_the_seam() {
    let agreed = "HTTP/1.1 101 Switching Protocols\r\nupgrade: Chat/1\r\nconnection: upgrade, x-hop\r\n\
                  x-hop: 1\r\nx-open: 1\r\ncontent-length: 7\r\n\r\nhello ";
    let origin = Origin::new(move |_| vec![raw(agreed), Do::Echo]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let lines = [
        "connection: keep-alive, Upgrade, x-secret",
        "upgrade: other/3, chat/1",
        "x-secret: 1",
        "sec-websocket-key: a-key",
    ];
    // The client is so sure that it does not wait for the answer.
    let mut bytes = request("GET", "/x?y", &lines, b"");
    bytes.extend_from_slice(b"early ");
    client.send(bytes).await;
    let head = client.read_head().await;
    assert_eq!(head.first, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(head.all("connection"), ["upgrade"]);
    assert_eq!(head.all("upgrade"), ["Chat/1"]);
    assert_eq!(head.get("x-open"), Some("1"));
    assert!(head.get("x-request-id").is_some());
    for gone in ["x-hop", "content-length", "transfer-encoding"] {
        assert_eq!(head.get(gone), None, "{gone}");
    }
    assert_eq!(client.read_exactly(12).await, b"hello early ");
    client.send("more").await;
    assert_eq!(client.read_exactly(4).await, b"more");
    let seen = &origin.seen()[0].head;
    assert_eq!(seen.first, "GET /x?y HTTP/1.1");
    assert_eq!(seen.all("connection"), ["upgrade"]);
    assert_eq!(seen.all("upgrade"), ["other/3, chat/1"]);
    assert_eq!(seen.get("sec-websocket-key"), Some("a-key"));
    assert_eq!(seen.get("x-secret"), None);
    drop(client);
    house.at_rest().await;
    let counts = house.primary();
    assert_eq!((counts.here(Class::Ok), counts.all_requests()), (1, 1));
    assert_eq!((counts.tunnels, counts.tunnels_open), (1, 0));
    assert_eq!(counts.tunnel_bytes, [10, 16]);
    house.stop().await;
}

#[tokio::test]
async fn the_split_and_the_sticky_key_are_obeyed() {
    let (old, new) = (echo("old"), echo("new"));
    let plan = Plan::sides(&old, &new, 50.0, "sticky = [\"header:x-user\"]");
    let house = plan.start().await;
    let mut sides = [0, 0];
    for user in 0..40 {
        let user = format!("x-user: {user}");
        let plain = house.client().await.get_with("/", &[&user]).await.text();
        let (mut client, _) = ask(&house, "GET", &[ASK[0], ASK[1], &user]).await;
        let name = client.read_exactly(3).await;
        assert_eq!(name, plain.as_bytes(), "{user}");
        sides[usize::from(name == b"new")] += 1;
    }
    assert!(sides[0] > 5 && sides[1] > 5, "{sides:?}");
    house.at_rest().await;
    assert_eq!(house.primary().tunnels, sides[0]);
    assert_eq!(house.candidate().tunnels, sides[1]);
    house.stop().await;
}

#[tokio::test]
async fn before_the_101_it_falls_back_like_any_other() {
    for (step, reason) in [
        (Do::Reset, Reason::Reset),
        (status("503 Busy", &[], b""), Reason::Status),
        (Do::Stall, Reason::Timeout),
    ] {
        let (old, new) = (echo("old"), Origin::new(move |_| vec![step.clone()]));
        let rest = crate::support::house::two_sides(
            &[&old],
            &[&new],
            "timeouts = { head = \"500ms\" }",
            100.0,
            "fallback_on = [\"503\"]",
        );
        let house = Plan::new(rest).start().await;
        let mut client = open(&house).await;
        assert_eq!(client.read_exactly(3).await, b"old");
        client.send("ping").await;
        assert_eq!(client.read_exactly(4).await, b"ping");
        drop(client);
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.fallbacks(reason), 1, "{reason:?}");
        assert_eq!(counts.elsewhere(Class::Ok), 1, "{reason:?}");
        assert_eq!((counts.tunnels, house.primary().tunnels), (0, 1));
        house.stop().await;
    }
}

#[tokio::test]
async fn a_dead_candidate_is_passed_by_and_a_post_is_not_repeated() {
    let (old, new) = (echo("old"), Origin::dead());
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = open(&house).await;
    assert_eq!(client.read_exactly(3).await, b"old");
    new.revive();
    new.set(|_| vec![Do::Reset]);
    let before = old.count();
    let (_, head) = ask(&house, "POST", &ASK).await;
    assert_eq!(head.first, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(old.count(), before);
    drop(client);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn any_other_answer_is_an_answer() {
    let origin = Origin::new(|seen| match seen.target() {
        "/426" => vec![status("426 Upgrade Required", &["upgrade: chat/2"], b"no")],
        _ => vec![ok(b"plain")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let answer = client.get_with("/426", &ASK).await;
        assert_eq!((answer.status, &*answer.text()), (426, "no"));
        let answer = client.get_with("/", &ASK).await;
        assert_eq!((answer.status, &*answer.text()), (200, "plain"));
        assert_eq!(client.get("/").await.text(), "plain");
    }
    assert_eq!((origin.accepted(), house.clients()), (1, 1));
    house.at_rest().await;
    assert_eq!(house.primary().tunnels, 0);
    assert_eq!(house.primary().here(Class::Ok), 6);
    house.stop().await;
}

#[tokio::test]
async fn a_101_that_is_no_answer_is_none() {
    for lines in [
        "connection: upgrade\r\nupgrade: chat/2\r\n",
        "connection: upgrade\r\nupgrade: chat/1, chat/2\r\n",
        "connection: upgrade\r\nupgrade: chat/1\r\nupgrade: chat/1\r\n",
        "connection: upgrade\r\nupgrade: h2c\r\n",
        "connection: upgrade\r\n",
        "upgrade: chat/1\r\n",
        "",
    ] {
        let text =
            format!("HTTP/1.1 101 Switching Protocols\r\n{lines}\r\nHTTP/1.1 200 OK\r\n\r\n");
        let origin = Origin::new(move |_| vec![raw(&text), Do::Stall]);
        let house = Plan::alone(&origin, "").start().await;
        let mut client = house.client().await;
        let answer = client.get_with("/", &ASK).await;
        assert_eq!(answer.status, 502, "{lines:?}");
        assert_eq!(answer.reason(), Some("upstream_reset"), "{lines:?}");
        house.at_rest().await;
        assert_eq!(house.primary().attempts(Class::Reset), 1, "{lines:?}");
        assert_eq!(house.primary().tunnels, 0, "{lines:?}");
        crate::support::eventually("the backend is left", || origin.open() == 0).await;
        house.stop().await;
    }
}

#[tokio::test]
async fn a_request_with_a_body_or_on_a_closed_route_is_refused() {
    let origin = echo("old");
    let house = Plan::alone(&origin, "").start().await;
    let ask = "connection: upgrade\r\nupgrade: chat/1\r\n";
    for framing in [
        "content-length: 5\r\n\r\nhello",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ] {
        for method in ["GET", "POST"] {
            let mut client = house.client().await;
            let head = format!("{method} / HTTP/1.1\r\nhost: a\r\n{ask}{framing}");
            client.send(head).await;
            let answer = client.read().await.unwrap();
            assert_eq!((answer.status, answer.reason()), (400, Some("bad_request")));
        }
    }
    assert_eq!(house.faults(Fault::BadRequest), 6);
    assert_eq!(origin.count(), 0);
    let mut plan = house.plan.clone();
    plan.rest += "upgrade = false\n";
    house.save(&plan.rest).await;
    let answer = house.client().await.get_with("/", &ASK).await;
    assert_eq!((answer.status, answer.reason()), (501, Some("unsupported")));
    assert_eq!(house.get("/").await.text(), "old");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_cannot_be_carried_is_not_asked_for() {
    let origin = Origin::new(|seen| match seen.head.get("upgrade") {
        Some(_) => vec![raw(AGREED), Do::Echo],
        None => vec![ok(b"plain")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    let lines = [
        "connection: Upgrade, HTTP2-Settings",
        "upgrade: h2c",
        "http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
    ];
    assert_eq!(client.get_with("/", &lines).await.text(), "plain");
    let answer = client.request("POST", "/", &lines, b"with a body").await;
    assert_eq!(answer.unwrap().text(), "plain");
    for lines in [
        &["connection: upgrade", "upgrade: TLS/1.0, HTTP/2.0"][..],
        &["upgrade: chat/1"],
        &["connection: upgrade"],
    ] {
        assert_eq!(client.get_with("/", lines).await.text(), "plain");
    }
    let old = "GET / HTTP/1.0\r\nhost: a\r\nconnection: upgrade\r\nupgrade: chat/1\r\n\r\n";
    let mut older = house.client().await;
    older.send(old).await;
    assert_eq!(older.read().await.unwrap().text(), "plain");
    for seen in origin.seen() {
        for gone in ["upgrade", "connection", "http2-settings"] {
            assert_eq!(seen.head.get(gone), None, "{gone}");
        }
    }
    assert_eq!(origin.count(), 6);
    let (_, head) = ask(&house, "GET", &[ASK[0], "upgrade: h2c, chat/1"]).await;
    assert_eq!(head.first, "HTTP/1.1 101 Switching Protocols");
    assert_eq!(origin.seen()[6].head.get("upgrade"), Some("chat/1"));
    house.at_rest().await;
    house.stop().await;
}
