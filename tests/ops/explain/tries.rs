//! The tries of a request: where they went, why, and how they ended.

use figshift::api::{ChosenBy, Refused, Turn};
use figshift::policy::Phase;

use super::asking::{all_went, explain, explain_now, get, send};
use crate::support::client::request;
use crate::support::eventually;
use crate::support::house::{Plan, backend_table};
use crate::support::origin::{Do, Origin, ok, raw, status};

#[tokio::test]
async fn a_request_that_went_well() {
    let old = Origin::saying("old");
    let house = Plan::alone(&old, "").start().await;
    // Without an id of its own, it is told the one that it was given.
    let answer = house.get("/").await;
    let told = explain(&house, answer.get("x-request-id").unwrap()).await;
    let home = ("old", old.url(), Turn::Home, None, Some("ok"));
    assert_eq!(all_went(&told), [home]);
    assert_eq!(
        (told.route.as_deref(), told.epoch, told.names_lost),
        (Some("all"), Some(1), false)
    );
    assert_eq!(
        (told.class.as_deref(), told.status),
        (Some("ok"), Some(200))
    );
    assert_eq!((told.served_by.as_deref(), told.fault), (Some("old"), None));
    assert!(told.head_ms.is_some() && told.first_byte_ms.is_some());
    let choice = told.choice.unwrap();
    assert_eq!(
        (choice.by, choice.draw, &*choice.side),
        (ChosenBy::OnlySide, None, "primary")
    );
    house.stop().await;
}

#[tokio::test]
async fn fallbacks_and_a_bypass() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    new.set(|_| vec![status("500 Oh", &[], b"bad")]);
    let house = Plan::sides(&old, &new, 100.0, "fallback_on = [500]")
        .start()
        .await;
    let there = |turn, reason| ("old", old.url(), turn, reason, Some("ok"));
    let home = |class| ("new", new.url(), Turn::Home, None, Some(class));

    assert_eq!(get(&house, "status").await.text(), "old");
    let told = explain(&house, "status").await;
    let back = there(Turn::Fallback, Some("status"));
    assert_eq!(all_went(&told), [home("server_error"), back]);
    assert_eq!(
        (told.tries[0].status, told.tries[1].status),
        (Some(500), Some(200))
    );
    assert_eq!(
        (told.class.as_deref(), told.status),
        (Some("ok"), Some(200))
    );
    assert_eq!(told.served_by.as_deref(), Some("old"));
    let choice = told.choice.unwrap();
    assert_eq!(
        (&*choice.side, choice.backend.as_deref(), choice.percent),
        ("candidate", Some("new"), 100.0)
    );
    assert_eq!(choice.why.as_deref(), Some("100 % ← file 100 %"));

    new.kill().await;
    assert_eq!(get(&house, "connect").await.text(), "old");
    let told = explain(&house, "connect").await;
    let back = there(Turn::Fallback, Some("connect"));
    assert_eq!(all_went(&told), [home("connect"), back]);
    assert_eq!((told.tries[0].status, told.status), (None, Some(200)));

    let mut n = 0;
    while house.phase(&new) != Phase::Open {
        get(&house, &format!("open {n}")).await;
        n += 1;
    }
    assert_eq!(get(&house, "bypass").await.text(), "old");
    let told = explain(&house, "bypass").await;
    assert_eq!(all_went(&told), [there(Turn::Bypass, None)]);
    assert_eq!(told.choice.unwrap().side, "candidate");
    assert_eq!(told.served_by.as_deref(), Some("old"));
    house.stop().await;
}

#[tokio::test]
async fn a_retry_a_stale_connection_and_a_panic() {
    let (dead, alive) = (
        Origin::dead(),
        Origin::new(|_| vec![ok(b"ok"), Do::CloseAtNext]),
    );
    let text = backend_table("old", &[&dead, &alive], "")
        + "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";
    let house = Plan::new(text).start().await;
    let (mut retried, mut stale) = (None, None);
    let mut client = house.client().await;
    for n in 0..200 {
        let id = format!("n{n}");
        assert_eq!(send(&mut client, "GET", &id, &[], b"").await.text(), "ok");
        let told = explain(&house, &id).await;
        let last = told.tries.last().unwrap();
        assert_eq!(last.endpoint, Some(alive.url()));
        if told.tries.len() == 2 {
            let first = ("old", dead.url(), Turn::Home, None, Some("connect"));
            let second = ("old", alive.url(), Turn::Retry, Some("connect"), Some("ok"));
            assert_eq!(all_went(&told), [first, second]);
            retried = Some(n);
        }
        // The second request to it finds the connection of the first one closed.
        if last.stale {
            assert_eq!(last.class.as_deref(), Some("ok"));
            stale = Some(n);
        }
        if retried.is_some() && stale.is_some() {
            break;
        }
    }
    assert!(
        retried.is_some() && stale.is_some(),
        "{retried:?} {stale:?}"
    );

    alive.kill().await;
    // Until both breakers are open and none of them is due for a probe.
    let mut panicked = None;
    for n in 0..100 {
        let id = format!("p{n}");
        let answer = get(&house, &id).await;
        assert_eq!(answer.reason(), Some("upstream_connect"));
        let told = explain(&house, &id).await;
        if told.tries[0].panic {
            panicked = Some(told);
            break;
        }
    }
    let told = panicked.expect("a panic");
    assert_eq!(
        (told.class.as_deref(), told.status, told.fault.as_deref()),
        (Some("connect"), Some(502), Some("upstream_connect"))
    );
    assert_eq!((told.served_by, told.head_ms), (None, None));
    let refused = &told.tries.last().unwrap().refused;
    assert_eq!(refused, &[Refused::NowhereElse]);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_left() {
    let origin = Origin::new(|_| vec![Do::Stall]);
    let house = Plan::alone(&origin, "").start().await;
    let mut client = house.client().await;
    client
        .send(request("GET", "/", &["x-request-id: early"], b""))
        .await;
    eventually("the backend is asked", || origin.count() == 1).await;
    let told = explain_now(&house, "early").await;
    assert!(told.running && told.class.is_none() && told.end_ms.is_none());
    assert_eq!(told.tries[0].endpoint, Some(origin.url()));
    drop(client);
    let told = explain(&house, "early").await;
    assert_eq!(told.class.as_deref(), Some("cancelled"));
    assert_eq!(told.tries[0].class.as_deref(), Some("cancelled"));
    assert_eq!((told.status, told.served_by), (None, None));

    origin.set(|_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nfirst"),
            Do::Stall,
        ]
    });
    let mut client = house.client().await;
    client
        .send(request("GET", "/", &["x-request-id: late"], b""))
        .await;
    client.read_head().await;
    let told = explain_now(&house, "late").await;
    assert!(told.running && told.head_ms.is_some(), "{told:?}");
    assert_eq!(
        (told.status, told.served_by.as_deref()),
        (Some(200), Some("old"))
    );
    drop(client);
    let told = explain(&house, "late").await;
    assert_eq!(told.class.as_deref(), Some("cancelled"));
    assert_eq!(
        (told.status, told.served_by.as_deref()),
        (Some(200), Some("old"))
    );
    house.stop().await;
}
