//! Backends that fail before the response head: a request that may be repeated is served by the
//! other side, one that may not gets an honest answer, and the worker lives on.

use std::time::Duration;

use figshift::stats::{Class, Reason};

use crate::support::client::Client;
use crate::support::house::{House, Plan, two_sides};
use crate::support::origin::{Do, Origin, Seen, ok, raw};

/// The candidate does this to everybody, the primary is well.
async fn house(new: &Origin, old: &Origin, route: &str) -> House {
    let text = two_sides(
        &[old],
        &[new],
        "timeouts = { head = \"300ms\" }",
        100.0,
        route,
    );
    Plan::new(text).start().await
}

type Script = fn(&Seen) -> Vec<Do>;

/// Before any byte of a response.
const FAILURES: [(&str, Script, &str, Class, Reason); 8] = [
    (
        "stall",
        |_| vec![Do::Stall],
        "upstream_timeout",
        Class::Timeout,
        Reason::Timeout,
    ),
    (
        "reset",
        |_| vec![Do::Reset],
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
    (
        "close",
        |_| vec![Do::Close],
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
    (
        "half a head, then reset",
        |_| {
            vec![
                raw("HTTP/1.1 200 OK\r\nx: y"),
                Do::Pause(Duration::from_millis(5)),
                Do::Reset,
            ]
        },
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
    (
        "half a head, then silence",
        |_| vec![raw("HTTP/1.1 200 OK\r\nx: y"), Do::Stall],
        "upstream_timeout",
        Class::Timeout,
        Reason::Timeout,
    ),
    (
        "garbage",
        |_| vec![raw("\x16\x03\x01 what is this\r\n\r\n"), Do::Stall],
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
    (
        "huge head",
        |_| {
            vec![
                raw(&format!(
                    "HTTP/1.1 200 OK\r\nx: {}\r\n\r\n",
                    "y".repeat(1 << 20)
                )),
                Do::Stall,
            ]
        },
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
    (
        "an upgrade that nobody asked for",
        |_| {
            vec![
                raw(
                    "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
                ),
                Do::Stall,
            ]
        },
        "upstream_reset",
        Class::Reset,
        Reason::Reset,
    ),
];

#[tokio::test]
async fn a_get_is_served_by_the_other_side() {
    for (what, script, _, class, reason) in FAILURES {
        let (old, new) = (Origin::saying("old"), Origin::new(script));
        let house = house(&new, &old, "").await;
        let mut client = house.client().await;
        for _ in 0..2 {
            let answer = client.get("/x").await;
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, "old"),
                "{what}"
            );
        }
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.attempts(class), 2, "{what}: {counts:?}");
        assert_eq!(counts.fallbacks(reason), 2, "{what}: {counts:?}");
        assert_eq!(counts.elsewhere(Class::Ok), 2, "{what}: {counts:?}");
        assert_eq!(counts.all_requests(), 2, "{what}");
        assert_eq!(house.primary().attempts(Class::Ok), 2, "{what}");
        assert_eq!(house.primary().all_requests(), 0, "{what}");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_post_gets_an_honest_answer_and_is_not_repeated() {
    for (what, script, reason, class, _) in FAILURES {
        let (old, new) = (Origin::saying("old"), Origin::new(script));
        let house = house(&new, &old, "").await;
        let mut client = house.client().await;
        let answer = client.request("POST", "/x", &[], b"pay").await.unwrap();
        let status = if class == Class::Timeout { 504 } else { 502 };
        assert_eq!(answer.status, status, "{what}");
        assert_eq!(answer.reason(), Some(reason), "{what}");
        assert_eq!(old.count(), 0, "{what}");
        assert_eq!(new.count(), 1, "{what}");
        house.at_rest().await;
        let counts = house.candidate();
        assert_eq!(counts.unsafe_to_repeat, 1, "{what}");
        assert_eq!(counts.here(class) + counts.elsewhere(class), 1, "{what}");
        // The connection to the client is still good.
        new.set(|_| vec![ok(b"new")]);
        assert_eq!(client.get("/y").await.text(), "new", "{what}");
        house.stop().await;
    }
}

#[tokio::test]
async fn a_post_that_may_be_repeated_arrives_whole_at_the_other_side() {
    for (route, line) in [
        ("idempotent = true", "x-none: 1"),
        ("", "idempotency-key: k1"),
    ] {
        for (what, script, ..) in FAILURES {
            let (old, new) = (Origin::saying("old"), Origin::new(script));
            let house = house(&new, &old, route).await;
            let mut client = house.client().await;
            let body = crate::support::noise(20_000);
            let answer = client
                .request("POST", "/x?y", &[line], &body)
                .await
                .unwrap();
            assert_eq!(answer.text(), "old", "{what}");
            assert_eq!((old.count(), new.count()), (1, 1), "{what}");
            let (first, second) = (new.seen().remove(0), old.seen().remove(0));
            assert_eq!(first.head, second.head, "{what}");
            assert!(first.body == body && second.body == body, "{what}");
            house.at_rest().await;
            house.stop().await;
        }
    }
}

#[tokio::test]
async fn a_backend_that_is_slow_to_say_it_is_still_heard() {
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nx-slow: 1\r\n\r\nslow";
    let new = Origin::new(|_| vec![Do::Dribble(answer.to_vec())]);
    let old = Origin::saying("old");
    let house = house(&new, &old, "").await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let answer = client.get("/").await;
        assert_eq!(answer.text(), "slow");
        assert_eq!(answer.get("x-slow"), Some("1"));
    }
    assert_eq!(new.accepted(), 1);
    house.stop().await;
}

#[tokio::test]
async fn interim_answers_are_no_answers() {
    for interim in ["100 Continue", "102 Processing", "103 Early Hints"] {
        let new = Origin::new(move |_| {
            vec![
                raw(&format!("HTTP/1.1 {interim}\r\nlink: </a>\r\n\r\n")),
                Do::Pause(Duration::from_millis(5)),
                raw(&format!("HTTP/1.1 {interim}\r\n\r\n")),
                ok(b"final"),
            ]
        });
        let old = Origin::saying("old");
        let house = house(&new, &old, "").await;
        let mut client = house.client().await;
        for method in ["GET", "POST", "GET"] {
            let answer = client.request(method, "/", &[], b"x").await.unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, "final"));
        }
        assert_eq!((new.accepted(), old.count()), (1, 0));
        house.stop().await;
    }
}

#[tokio::test]
async fn a_backend_of_http_1_0_is_understood() {
    let new = Origin::new(|_| {
        vec![
            raw("HTTP/1.0 200 OK\r\nserver: old\r\n\r\n"),
            raw("until the end"),
            Do::Close,
        ]
    });
    let old = Origin::saying("old");
    let house = house(&new, &old, "").await;
    let mut client = house.client().await;
    for _ in 0..3 {
        let answer = client.get("/").await;
        assert!(answer.head.first.starts_with("HTTP/1.1 "));
        assert_eq!(answer.text(), "until the end");
    }
    assert_eq!(new.accepted(), 3);
    house.at_rest().await;
    assert_eq!(house.candidate().here(Class::Ok), 3);
    house.stop().await;
}

#[tokio::test]
async fn an_answer_may_come_before_the_upload_is_finished() {
    let new = Origin::early(|_| {
        vec![
            raw(
                "HTTP/1.1 413 Content Too Large\r\ncontent-length: 3\r\nconnection: close\r\n\r\nbig",
            ),
            Do::ReadBody,
            Do::Close,
        ]
    });
    let old = Origin::saying("old");
    let house = house(&new, &old, "").await;
    let mut client: Client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\nonly the beginning")
        .await;
    let answer = client.read().await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (413, "big"));
    assert_eq!(old.count(), 0);
    drop(client);
    house.at_rest().await;
    assert_eq!(house.candidate().here(Class::ClientError), 1);
    assert_eq!(house.get("/").await.status, 413);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_is_slow_to_upload_is_not_the_backend_s_fault() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = house(&new, &old, "idempotent = true").await;
    let mut client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf")
        .await;
    let answer = client.read().await.unwrap();
    assert_eq!((answer.status, answer.reason()), (408, Some("slow_body")));
    house.at_rest().await;
    assert_eq!(house.candidate().attempts(Class::Cancelled), 1);
    assert_eq!(house.trips(&new), 0);
    assert_eq!(old.accepted(), 0);
    // Moving, be it slowly, is in time: six pieces at half of the limit each.
    let mut client = house.client().await;
    client
        .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n")
        .await;
    for _ in 0..6 {
        tokio::time::sleep(Duration::from_millis(150)).await;
        client.send("x").await;
    }
    assert_eq!(client.read().await.unwrap().text(), "new");
    house.stop().await;
}
