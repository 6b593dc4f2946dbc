//! What is remembered, for how long, and under which names.

use figshift::api::{ChosenBy, Explanation};

use super::asking::{answer, explain, explain_now, get, refused, send};
use crate::support::client::request;
use crate::support::house::{Plan, backend_table, two_sides};
use crate::support::origin::{Origin, status};

#[tokio::test]
async fn what_found_no_route_and_what_nobody_knows() {
    let old = Origin::saying("old");
    let text = backend_table("old", &[&old], "")
        + "[[routes]]\nname = \"all\"\nmatch = { path = \"/v1/*\" }\nprimary = \"old\"\n";
    let house = Plan::new(text).start().await;
    assert_eq!(get(&house, "lost").await.status, 404);
    let told = explain(&house, "lost").await;
    assert_eq!(
        (told.fault.as_deref(), told.status),
        (Some("no_route"), Some(404))
    );
    assert_eq!(
        (told.epoch, told.route, told.names_lost),
        (Some(1), None, false)
    );
    assert!(told.choice.is_none() && told.tries.is_empty() && told.class.is_none());
    let lines = ["host: another"];
    send(&mut house.client().await, "GET", "two-hosts", &lines, b"").await;
    let told = explain(&house, "two-hosts").await;
    assert_eq!(
        (told.fault.as_deref(), told.epoch),
        (Some("bad_request"), None)
    );

    let problem = refused(&house, "nobody").await;
    assert_eq!((problem.status, &*problem.reason), (404, "unknown_request"));
    assert!(problem.detail.contains("8192") && problem.detail.contains("4096"));
    for wrong in ["%20", "%ff", "%0a", "a%00", &"x".repeat(129)] {
        let problem = refused(&house, wrong).await;
        assert_eq!((problem.status, &*problem.reason), (400, "bad_request"));
    }
    // An id of a client may be any visible text.
    let given = get(&house, "a/b?c#d%e\"{}\\").await;
    assert_eq!(given.get("x-request-id"), Some("a/b?c#d%e\"{}\\"));
    let told = answer(&house, "a%2Fb%3Fc%23d%25e%22%7B%7D%5C", &[]).await;
    let told: Explanation = serde_json::from_slice(&told.body).unwrap();
    assert_eq!(told.id, "a/b?c#d%e\"{}\\");
    house.stop().await;
}

#[tokio::test]
async fn the_newest_of_several_with_one_id() {
    let old = Origin::saying("old");
    let house = Plan::alone(&old, "").workers(2).start().await;
    for n in 0..10 {
        // A connection each, so that both workers have some.
        old.set(move |_| vec![status(&format!("20{n} Yes"), &[], b"")]);
        get(&house, "same").await;
        house.at_rest().await;
        let told = explain_now(&house, "same").await;
        assert_eq!((told.others, told.status), (n, Some(200 + n as u16)));
    }
    house.stop().await;
}

#[tokio::test]
async fn a_flood_of_good_ones_washes_no_other_away() {
    const FLOOD: usize = figshift::recall::SMOOTH;
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    new.set(|_| vec![status("500 Oh", &[], b"bad")]);
    let house = Plan::sides(&old, &new, 50.0, "fallback_on = [500]\nside_header = true")
        .listen("trusted = [\"127.0.0.1\"]")
        .start()
        .await;
    let mut client = house.client().await;
    let primary = "x-figshift-side: primary";
    let candidate = "x-figshift-side: candidate";
    send(&mut client, "GET", "smooth", &[primary], b"").await;
    send(&mut client, "GET", "notable", &[candidate], b"").await;
    explain(&house, "smooth").await;
    for _ in 0..FLOOD / 16 {
        client
            .send(request("GET", "/", &[primary], b"").repeat(16))
            .await;
        for _ in 0..16 {
            assert_eq!(client.read().await.unwrap().text(), "old");
        }
    }
    house.at_rest().await;
    assert_eq!(refused(&house, "smooth").await.reason, "unknown_request");
    let told = explain(&house, "notable").await;
    assert_eq!(told.tries.len(), 2);
    assert_eq!(told.choice.unwrap().by, ChosenBy::SideHeader);
    house.stop().await;
}

#[tokio::test]
async fn a_reload_confuses_no_names() {
    let (one, two) = (Origin::saying("one"), Origin::saying("two"));
    let house = Plan::new(two_sides(&[&one, &two], &[&two], "", 0.0, ""))
        .start()
        .await;
    let served = get(&house, "before").await.text();
    let before = explain(&house, "before").await;
    let expected = if served == "one" {
        one.url()
    } else {
        two.url()
    };
    assert_eq!(before.tries[0].endpoint, Some(expected));
    // Other names at the same places.
    let text = backend_table("gone", &[&two], "")
        + &backend_table("here", &[&two, &one], "")
        + "[[routes]]\nname = \"first\"\nmatch = { path = \"/first\" }\nprimary = \"gone\"\n\
           [[routes]]\nname = \"second\"\nprimary = \"here\"\n";
    let epoch = house.save(&text).await.epoch;
    get(&house, "after").await;
    let after = explain(&house, "after").await;
    assert_eq!(
        (after.route.as_deref(), after.epoch),
        (Some("second"), Some(epoch))
    );
    assert_eq!(after.served_by.as_deref(), Some("here"));
    let again = explain(&house, "before").await;
    assert_eq!(
        Explanation {
            at: before.at.clone(),
            ..again
        },
        before
    );
    assert_eq!(before.route.as_deref(), Some("all"));
    assert_eq!(before.served_by.as_deref(), Some("old"));
    house.stop().await;
}
