//! A hard rollback cuts the streams of the candidate, and with HTTP/2 no others of its client.

use figshift::control::{Actor, What};
use figshift::stats::{Class, Side};
use http_body_util::BodyExt as _;

use super::far::{Far, Origin};
use super::near::{Client, Fed, Near, Whole};
use crate::support::house::{House, Plan};
use crate::support::{eventually, soon};

async fn house(old: &Origin, new: &Origin) -> House {
    let routes = [("kept", 0), ("moved", 100)].map(|(name, percent)| {
        format!(
            "[[routes]]\nname = \"{name}\"\nmatch = {{ headers = {{ x-route = \"{name}\" }} }}\n\
             primary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n"
        )
    });
    let tables = old.table("old", "") + &new.table("new", "protocol = \"h2\"");
    Plan::new(tables + &routes.concat()).start().await
}

async fn stream(client: &mut Client, route: &str, path: &str) -> hyper::body::Incoming {
    let lines = [("x-route", route)];
    let response = client.send_with("GET", path, &lines, Fed::none()).await;
    response.unwrap().into_body()
}

#[tokio::test]
async fn only_the_stream_of_the_candidate_is_cut() {
    let (old, new) = (Origin::start(Far::H1).await, Origin::start(Far::H2).await);
    let house = house(&old, &new).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    let mut kept = stream(&mut client, "kept", "/stall").await;
    let mut moved = stream(&mut client, "moved", "/stall").await;
    for body in [&mut kept, &mut moved] {
        let begun = soon("a frame", body.frame()).await.unwrap().unwrap();
        assert_eq!(begun.into_data().unwrap(), "begun");
    }
    roll_back(&house).await;
    assert!(soon("the cut", moved.frame()).await.unwrap().is_err());
    eventually("the backend is left", || new.dropped() == 1).await;
    let lines = [("x-route", "kept")];
    let more = client.send_with("GET", "/hello", &lines, Fed::none()).await;
    assert_eq!(Whole::read(more.unwrap()).await.unwrap().body, "hello");
    let counts = house.app.publisher.current();
    let cut = crate::support::counts::Counts::of(&counts, 1, Side::Candidate);
    assert_eq!((cut.cut, cut.attempts(Class::Cancelled)), (1, 1));
    assert_eq!(old.dropped(), 0, "the other stream goes on");
    drop(kept);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_read_is_cut_with_its_connection() {
    let (old, new) = (Origin::start(Far::H1).await, Origin::start(Far::H2).await);
    let house = house(&old, &new).await;
    let mut client = Client::new(Near::H2, house.app.http).await;
    // More than all windows and buffers on the way.
    let unread = stream(&mut client, "moved", "/bytes/100000000").await;
    stuck(&new).await;
    roll_back(&house).await;
    house.at_rest().await;
    eventually("the client is left", || house.clients() == 0).await;
    drop(unread);
    house.stop().await;
}

/// Waits until all buffers on the way are full.
async fn stuck(origin: &Origin) {
    let sent = || origin.seen.sent.load(std::sync::atomic::Ordering::SeqCst);
    let mut before = 0;
    while before == 0 || sent() != before {
        before = sent();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
}

#[tokio::test]
async fn what_is_read_for_nobody_is_cut_too() {
    let (old, new) = (Origin::start(Far::H1).await, Origin::start(Far::H1).await);
    let text = format!(
        "{}{}[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 100\n",
        old.table("old", ""),
        new.table("new", "on_disconnect = \"drain\"\n")
    );
    let house = Plan::new(text).start().await;
    let mut client = Client::new(Near::H1, house.app.http).await;
    let mut body = stream(&mut client, "all", "/stall").await;
    soon("a frame", body.frame()).await.unwrap().unwrap();
    client.leave();
    eventually("the client is gone", || house.clients() == 0).await;
    assert_eq!(house.candidate().in_flight, 1);
    roll_back(&house).await;
    eventually("the backend is left", || new.dropped() == 1).await;
    house.at_rest().await;
    house.stop().await;
}

pub(super) async fn roll_back(house: &House) {
    let what = What::Rollback {
        route: None,
        hard: true,
    };
    house.app.door().send(what, Actor::Operator).await.unwrap();
}
