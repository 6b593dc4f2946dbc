//! What the guard gets to see of real requests: by the side that was drawn, and only what was drawn.

use figshift::stats::{Cohort, SideCounts};

use crate::support::client::request;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, ok, raw, status};

/// All seconds of the test together.
pub(crate) fn seen(house: &House) -> Cohort {
    let snapshot = house.app.publisher.current();
    let cohorts = snapshot.routes[0].cohorts.as_ref().expect("a guard");
    let mut sum = Cohort::default();
    for second in 0..60 {
        let one = cohorts.read(second);
        for (sum, side) in [
            (&mut sum.primary, one.primary),
            (&mut sum.candidate, one.candidate),
        ] {
            sum.drawn += side.drawn;
            sum.n += side.n;
            sum.answered += side.answered;
            sum.ended += side.ended;
            sum.bad += side.bad;
        }
    }
    sum
}

/// Drawn, units, ended, bad.
fn four(side: SideCounts) -> [u64; 4] {
    [side.drawn, side.n, side.ended, side.bad]
}

#[tokio::test]
async fn a_fallback_does_not_cure_what_went_wrong() {
    let old = Origin::saying("old");
    let new = Origin::new(|_| vec![status("500 Oh", &[], b"bad")]);
    let plan = Plan::sides(&old, &new, 100.0, "fallback_on = [500]");
    let house = plan.start().await;
    let mut client = house.client().await;
    for _ in 0..8 {
        assert_eq!(client.get("/").await.text(), "old");
    }
    house.at_rest().await;
    let seen = seen(&house);
    assert_eq!(four(seen.candidate), [8, 8, 8, 8]);
    assert_eq!(four(seen.primary), [0; 4], "it was not drawn for any");
    house.stop().await;
}

#[tokio::test]
async fn a_side_that_is_out_is_drawn_and_gets_no_units() {
    let (old, new) = (Origin::saying("old"), Origin::dead());
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    for _ in 0..20 {
        assert_eq!(client.get("/").await.text(), "old");
    }
    house.at_rest().await;
    let there = seen(&house).candidate;
    // Five failures open the breaker; what is bypassed then is no unit, nor is a probe.
    assert_eq!(four(there), [20, 5, 5, 5]);
    assert_eq!(four(seen(&house).primary), [0; 4]);
    house.stop().await;
}

#[tokio::test]
async fn neither_callers_mistakes_nor_capacity_are_bad() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    for (answer, headers, bad) in [
        ("404 Not Found", &[][..], 0),
        ("429 Too Many", &[][..], 0),
        ("503 Full", &["retry-after: 1"][..], 0),
        ("500 Oh", &[][..], 1),
        ("503 Broken", &[][..], 2),
        ("204 Nothing", &[][..], 2),
    ] {
        new.set(move |_| vec![status(answer, headers, b"")]);
        client.get("/").await;
        house.at_rest().await;
        assert_eq!(seen(&house).candidate.bad, bad, "{answer}");
    }
    assert_eq!(four(seen(&house).candidate), [6, 6, 6, 2]);
    house.stop().await;
}

#[tokio::test]
async fn a_stream_is_answered_at_its_first_byte_and_bad_if_it_breaks() {
    let old = Origin::saying("old");
    let gate = Gate::default();
    let broken = gate.clone();
    let new = Origin::new(move |_| {
        let begins = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        vec![raw(begins), Do::Await(broken.clone()), Do::Reset]
    });
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    client.send(request("GET", "/", &[], b"")).await;
    client.read_head().await;
    client.read_until("first").await;
    eventually("it is answered", || seen(&house).candidate.answered == 1).await;
    let streaming = seen(&house).candidate;
    assert_eq!(four(streaming), [1, 1, 0, 0]);
    assert_eq!(streaming.bad_in_the_end(), 0);
    gate.open();
    eventually("it has broken", || seen(&house).candidate.bad == 1).await;
    assert_eq!(four(seen(&house).candidate), [1, 1, 1, 1]);
    house.stop().await;
}

#[tokio::test]
async fn a_client_that_leaves_is_nobodys_failure() {
    let (old, new) = (Origin::saying("old"), Origin::new(|_| vec![Do::Stall]));
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    client.send(request("GET", "/", &[], b"")).await;
    eventually("the backend is asked", || new.count() == 1).await;
    assert_eq!(
        seen(&house).candidate.bad_in_the_end(),
        1,
        "not answered yet"
    );
    drop(client);
    house.at_rest().await;
    eventually("it has ended", || seen(&house).candidate.ended == 1).await;
    assert_eq!(four(seen(&house).candidate), [1, 1, 1, 0]);
    house.stop().await;
}

#[tokio::test]
async fn who_chooses_the_side_is_not_counted() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan = Plan::sides(&old, &new, 50.0, "side_header = true");
    let house = plan.listen("trusted = [\"127.0.0.1\"]").start().await;
    let mut client = house.client().await;
    for side in ["candidate", "primary"] {
        let word = format!("x-figshift-side: {side}");
        client.get_with("/", &[&word]).await;
    }
    house.at_rest().await;
    assert_eq!(seen(&house), Cohort::default());
    house.stop().await;
}

#[tokio::test]
async fn a_user_of_a_sticky_route_is_drawn_once() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 100.0, "sticky = [\"header:x-user\"]")
        .workers(2)
        .start()
        .await;
    for _ in 0..6 {
        let mut client = house.client().await;
        client.get_with("/", &["x-user: a"]).await;
        client.get_with("/", &["x-user: b"]).await;
    }
    // Without a key each request is drawn by itself.
    house.get("/").await;
    house.at_rest().await;
    assert_eq!(four(seen(&house).candidate), [3, 13, 13, 0]);
    new.set(|_| vec![status("500 Oh", &[], b"")]);
    let mut client = house.client().await;
    for _ in 0..3 {
        client.get_with("/", &["x-user: a"]).await;
    }
    house.at_rest().await;
    assert_eq!(four(seen(&house).candidate), [3, 14, 14, 1]);
    house.stop().await;
}

#[tokio::test]
async fn a_second_try_on_a_fresh_connection_is_the_same_unit() {
    let old = Origin::saying("old");
    let new = Origin::new(|_| vec![ok(b"new"), Do::CloseAtNext]);
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    let mut client = house.client().await;
    for _ in 0..2 {
        assert_eq!(client.get("/").await.text(), "new");
    }
    house.at_rest().await;
    assert_eq!(four(seen(&house).candidate), [2, 2, 2, 0]);
    house.stop().await;
}

#[tokio::test]
async fn counts_survive_a_reload_and_not_another_backend() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan = Plan::sides(&old, &new, 100.0, "");
    let rest = plan.rest.clone();
    let house = plan.start().await;
    house.get("/").await;
    house.at_rest().await;
    house
        .save(&rest.replace("percent = 100", "percent = 90"))
        .await;
    assert_eq!(seen(&house).candidate.n, 1);
    let other = rest.replace("backends.new", "backends.newer");
    let other = other.replace("candidate = \"new\"", "candidate = \"newer\"");
    house.save(&other).await;
    assert_eq!(seen(&house), Cohort::default());
    house
        .save(&format!("{other}guard = {{ enabled = false }}\n"))
        .await;
    let snapshot = house.app.publisher.current();
    assert!(snapshot.routes[0].cohorts.is_none());
    house.stop().await;
}
