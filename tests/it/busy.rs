//! How long tries keep a backend busy, and for what: that is what its cost is shared by.

use std::time::Duration;

use figshift::stats::{Class, Purpose, Side};

use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Origin, ok, raw, status};

const SLOW: Duration = Duration::from_millis(150);

/// Seconds for requests, and for tries whose answer no client got.
fn busy(house: &House, side: Side) -> [f64; 2] {
    let snapshot = house.app.publisher.current();
    let arm = snapshot.routes[0].arm(side).unwrap();
    Purpose::ALL.map(|purpose| {
        let cells = arm.cells.iter();
        let nanoseconds: u64 = cells.map(|cell| cell.busy[purpose as usize].get()).sum();
        nanoseconds as f64 / 1e9
    })
}

/// At least so long, and not much more, each.
#[track_caller]
fn took(house: &House, side: Side, seconds: [f64; 2]) {
    let is = busy(house, side);
    for (is, meant) in is.into_iter().zip(seconds) {
        // A turn of the runtime has one time.
        let most = meant * 3.0 + 0.1;
        assert!((meant * 0.9..=most).contains(&is), "{is} is not {meant}");
    }
}

#[tokio::test]
async fn each_try_adds_its_time_to_what_it_was_for() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 100.0, "fallback_on = [500]")
        .start()
        .await;
    // Until the end of the body.
    new.set(|_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabc"),
            Do::Pause(SLOW),
            raw("def"),
        ]
    });
    assert_eq!(house.get("/").await.text(), "abcdef");
    house.at_rest().await;
    took(&house, Side::Candidate, [0.15, 0.0]);

    // Answers that nobody got: of a status, and none at all.
    new.set(|_| vec![Do::Pause(SLOW), status("500 Oh", &[], b"bad")]);
    assert_eq!(house.get("/").await.text(), "old");
    house.at_rest().await;
    took(&house, Side::Candidate, [0.15, 0.15]);
    new.set(|_| vec![Do::Pause(SLOW), Do::Reset]);
    assert_eq!(house.get("/").await.text(), "old");
    house.at_rest().await;
    took(&house, Side::Candidate, [0.15, 0.3]);
    took(&house, Side::Primary, [0.0, 0.0]);

    // A bad answer that is the last word went to its client.
    new.set(|_| vec![Do::Pause(SLOW), status("501 Oh", &[], b"bad")]);
    assert_eq!(house.get("/").await.status, 501);
    house.at_rest().await;
    took(&house, Side::Candidate, [0.3, 0.3]);

    // The client leaves: until then it was for the request.
    new.set(|_| vec![Do::Stall]);
    let mut client = house.client().await;
    client
        .send("GET / HTTP/1.1\r\nhost: a\r\n\r\n".to_owned())
        .await;
    eventually("it is on its way", || house.candidate().in_flight == 1).await;
    tokio::time::sleep(SLOW).await;
    drop(client);
    eventually("it is given up", || {
        house.candidate().here(Class::Cancelled) == 1
    })
    .await;
    took(&house, Side::Candidate, [0.45, 0.3]);

    // Both fail, and figshift answers by itself.
    let lost = |_: &_| vec![Do::Pause(SLOW), Do::Reset];
    new.set(lost);
    old.set(lost);
    assert_eq!(house.get("/").await.status, 502);
    house.at_rest().await;
    took(&house, Side::Candidate, [0.45, 0.45]);
    took(&house, Side::Primary, [0.0, 0.15]);
    old.set(|_| vec![ok(b"old")]);
    house.stop().await;
}
