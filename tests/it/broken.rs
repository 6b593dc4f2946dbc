//! Responses that go wrong after their head. What the client got cannot be taken back, so it must
//! see that the response is not whole; and nothing of one response may get into the next.

use std::time::Duration;

use figshift::stats::Class;

use crate::support::client::Cut;
use crate::support::house::Plan;
use crate::support::origin::{Do, Origin, ok, raw};
use crate::support::{eventually, noise};

#[tokio::test]
async fn a_response_that_breaks_is_seen_to_be_broken() {
    let beginnings = [
        "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nthe beginning",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\nthe beginning\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nthe beginning",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nd\r\nthe beginning\r\nnonsense\r\n",
    ];
    for beginning in beginnings {
        for end in [Do::Reset, Do::Close] {
            let after = end.clone();
            let new = Origin::new(move |seen| match seen.target() {
                "/break" => vec![
                    raw(beginning),
                    // The head and the first bytes are on their way before it breaks.
                    Do::Pause(Duration::from_millis(30)),
                    after.clone(),
                ],
                _ => vec![ok(b"well")],
            });
            let old = Origin::saying("old");
            let house = Plan::sides(&old, &new, 100.0, "").start().await;
            let mut client = house.client().await;
            let cut = client.request("GET", "/break", &[], b"").await;
            let Err(Cut::Body(part)) = cut else {
                panic!("{beginning:?} {end:?}: {cut:?}");
            };
            assert_eq!(part.status, 200);
            assert_eq!(part.text(), "the beginning", "{beginning:?} {end:?}");
            house.at_rest().await;
            let counts = house.candidate();
            assert_eq!(counts.here(Class::Broken), 1, "{beginning:?} {end:?}");
            assert_eq!(counts.attempts(Class::Broken), 1);
            assert_eq!(counts.all_requests(), 1);
            assert_eq!(old.count(), 0, "what has begun is never begun again");
            assert_eq!(house.get("/").await.text(), "well");
            house.stop().await;
        }
    }
}

#[tokio::test]
async fn more_bytes_than_announced_never_reach_the_next_response() {
    const SURPLUS: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL";
    for pause in [None, Some(Duration::from_millis(3))] {
        let origin = Origin::new(move |seen| match seen.target() {
            "/more" => match pause {
                None => vec![raw(&format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello{SURPLUS}"
                ))],
                Some(pause) => vec![ok(b"hello"), Do::Pause(pause), raw(SURPLUS)],
            },
            _ => vec![ok(b"good")],
        });
        let house = Plan::alone(&origin, "").start().await;
        let mut client = house.client().await;
        for _ in 0..30 {
            assert_eq!(client.get("/more").await.text(), "hello");
            if pause.is_some() {
                // Until it has come, the surplus would pass for the answer to what is asked
                // meanwhile: HTTP/1.1 cannot tell. So the next request waits for it.
                eventually("the connection is given up", || origin.open() == 0).await;
            }
            assert_eq!(client.get("/next").await.text(), "good", "{pause:?}");
        }
        assert!(origin.accepted() >= 30, "{}", origin.accepted());
        house.at_rest().await;
        house.stop().await;
    }
}

#[tokio::test]
async fn a_body_where_none_may_be_never_reaches_the_next_response() {
    let origin = Origin::new(|seen| match (seen.method(), seen.target()) {
        ("HEAD", _) => vec![raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nEVIL")],
        (_, "/204") => vec![raw(
            "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 EVIL\r\n\r\n",
        )],
        (_, "/304") => vec![raw(
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 4\r\n\r\nEVIL",
        )],
        _ => vec![ok(b"good")],
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    for _ in 0..20 {
        for (method, target) in [("HEAD", "/"), ("GET", "/204"), ("GET", "/304")] {
            client.request(method, target, &[], b"").await.unwrap();
            assert_eq!(client.leftover(), b"");
            assert_eq!(
                client.get("/good").await.text(),
                "good",
                "{method} {target}"
            );
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn an_upload_that_ends_early_is_not_passed_as_whole() {
    let origin = Origin::new(|_| vec![ok(b"thanks")]);
    let house = Plan::alone(&origin, "").start().await;
    for head in [
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nhalf",
        "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
    ] {
        let before = origin.accepted();
        let mut client = house.client().await;
        client.send(head).await;
        eventually("the origin is asked", || {
            origin.accepted() > before || origin.open() > 0
        })
        .await;
        drop(client);
        house.at_rest().await;
        eventually("the origin is left", || origin.open() == 0).await;
    }
    assert!(origin.seen().iter().all(|seen| !seen.whole));
    let endpoint = house.endpoint(&origin);
    assert_eq!(endpoint.fitness.sight().trips, 0);
    assert_eq!(
        house.primary().all_attempts(),
        house.primary().attempts(Class::Cancelled)
    );
    house.stop().await;
}

#[tokio::test]
async fn a_long_response_that_breaks_delivers_what_came() {
    let body = noise(3_000_000);
    let sent = body.clone();
    let origin = Origin::new(move |_| {
        let mut part = b"HTTP/1.1 200 OK\r\ncontent-length: 4000000\r\n\r\n".to_vec();
        part.extend_from_slice(&sent);
        vec![Do::Send(part), Do::Close]
    });
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    match client.request("GET", "/", &[], b"").await {
        Err(Cut::Body(part)) => assert!(part.body == body, "{} bytes came", part.body.len()),
        other => panic!("{other:?}"),
    }
    house.at_rest().await;
    assert_eq!(house.primary().here(Class::Broken), 1);
    house.stop().await;
}
