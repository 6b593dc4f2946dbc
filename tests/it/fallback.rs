//! Second tries: when they are made, what they send, and what bounds them.

use std::time::Duration;

use figshift::stats::{Class, Fault, Reason};

use crate::support::client::{Client, request};
use crate::support::house::{House, Plan, backend_table, bad_attempts, two_sides};
use crate::support::origin::{Do, Gate, Origin, ok, status};
use crate::support::{eventually, noise};

fn failing() -> Origin {
    Origin::new(|_| vec![status("500 Oh", &[], b"bad")])
}

#[tokio::test]
async fn statuses_of_fallback_on_send_a_get_elsewhere() {
    let (old, new) = (Origin::saying("old"), failing());
    let house = Plan::sides(&old, &new, 100.0, "fallback_on = [500, 429]")
        .start()
        .await;
    let mut client = house.client().await;
    assert_eq!(client.get("/").await.text(), "old");
    // What could do harm is not repeated, and the answer is passed on as it is.
    let answer = client.request("POST", "/", &[], b"x").await.unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (500, "bad"));
    assert_eq!(old.count(), 1);
    new.set(|_| vec![status("501 Not Implemented", &[], b"unlisted")]);
    assert_eq!(client.get("/").await.text(), "unlisted");
    new.set(|_| vec![status("429 Too Many", &["retry-after: 1"], b"later")]);
    assert_eq!(client.get("/").await.text(), "old");
    // When the other side is no better, its answer is the last word.
    old.set(|_| vec![status("500 Oh", &[], b"old is bad too")]);
    let answer = client.get("/").await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (500, "old is bad too")
    );
    house.at_rest().await;
    let counts = house.candidate();
    assert_eq!(counts.fallbacks(Reason::Status), 3);
    assert_eq!(counts.unsafe_to_repeat, 1);
    assert_eq!(counts.all_requests(), 5);
    house.stop().await;
}

#[tokio::test]
async fn at_zero_percent_the_candidate_sees_nothing() {
    let (old, new) = (Origin::new(|_| vec![Do::Reset]), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 0.0, "fallback_on = [500]")
        .start()
        .await;
    for _ in 0..12 {
        let answer = house.get("/").await;
        assert_eq!(
            (answer.status, answer.reason()),
            (502, Some("upstream_reset"))
        );
    }
    old.kill().await;
    for _ in 0..12 {
        let answer = house.get("/").await;
        assert_eq!(
            (answer.status, answer.reason()),
            (502, Some("upstream_connect"))
        );
    }
    assert_eq!(new.accepted(), 0);
    house.stop().await;
}

#[tokio::test]
async fn the_primary_falls_back_to_an_open_candidate() {
    let (old, new) = (Origin::dead(), Origin::saying("new"));
    let house = Plan::sides(&old, &new, 0.01, "").start().await;
    for _ in 0..20 {
        assert_eq!(house.get("/").await.text(), "new");
    }
    house.stop().await;
}

#[tokio::test]
async fn a_body_that_is_held_is_repeated_and_a_longer_one_streamed_once() {
    let (old, new) = (Origin::saying("old"), Origin::new(|_| vec![Do::Reset]));
    let route = "replay_bytes = \"64KiB\"\nidempotent = true";
    let house = Plan::sides(&old, &new, 100.0, route).start().await;
    let mut client = house.client().await;
    // Four failures: a fifth in a row would open the breaker.
    for len in [0, 1, 65_536] {
        let body = noise(len);
        let answer = client.request("POST", "/", &[], &body).await.unwrap();
        assert_eq!(answer.text(), "old", "{len}");
        assert!(old.seen().pop().unwrap().body == body, "{len}");
        assert!(new.seen().pop().unwrap().body == body, "{len}");
    }
    assert_eq!(house.candidate().not_replayable, 0);
    let repeated = old.count();
    // Too long by its announced length, and too long only as it turns out.
    let body = noise(65_537);
    let answer = client.request("POST", "/", &[], &body).await.unwrap();
    assert_eq!(
        (answer.status, answer.reason()),
        (502, Some("upstream_reset"))
    );
    let mut chunked = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for part in body.chunks(1000) {
        chunked.extend(format!("{:x}\r\n", part.len()).into_bytes());
        chunked.extend_from_slice(part);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    new.set(|_| vec![ok(b"new")]);
    for n in 1..=2 {
        client.send(&chunked).await;
        assert_eq!(client.read().await.unwrap().text(), "new");
        assert!(new.seen().pop().unwrap().body == body);
        house.at_rest().await;
        assert_eq!(house.candidate().not_replayable, 1 + n);
    }
    assert_eq!(old.count(), repeated);
    house.stop().await;
}

#[tokio::test]
async fn a_second_try_sends_the_whole_of_a_body_that_was_half_sent() {
    let (old, new) = (
        Origin::new(|seen| vec![ok(&seen.body)]),
        Origin::early(|_| vec![Do::Pause(Duration::from_millis(30)), Do::Reset]),
    );
    let house = Plan::sides(&old, &new, 100.0, "idempotent = true")
        .start()
        .await;
    let body = noise(40_000);
    for chunked in [false, true] {
        let mut client = house.client().await;
        let (first, second) = body.split_at(20_000);
        if chunked {
            client
                .send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n4e20\r\n")
                .await;
        } else {
            client
                .send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 40000\r\n\r\n")
                .await;
        }
        client.send(first).await;
        let tries = old.accepted();
        eventually("the second try begins", || {
            old.accepted() > tries || old.open() > 0
        })
        .await;
        if chunked {
            client.send("\r\n4e20\r\n").await;
        }
        client.send(second).await;
        if chunked {
            client.send("\r\n0\r\n\r\n").await;
        }
        let answer = client.read().await.unwrap();
        assert!(answer.body == body, "chunked: {chunked}");
    }
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn the_retry_budget_bounds_second_tries() {
    const MANY: usize = 60;
    let (gate, hold) = (Gate::default(), Gate::default());
    let (first, second) = (gate.clone(), hold.clone());
    let new = Origin::new(move |_| vec![Do::Await(first.clone()), status("500 Oh", &[], b"bad")]);
    let old = Origin::new(move |_| vec![Do::Await(second.clone()), ok(b"old")]);
    let route = "fallback_on = [500]";
    let house = Plan::sides(&old, &new, 100.0, route).start().await;
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = house.client().await;
        client.send(request("GET", "/", &[], b"")).await;
        clients.push(client);
    }
    eventually("all are waiting", || new.count() == MANY).await;
    gate.open();
    eventually("all are decided", || {
        old.count() as u64 + house.candidate().over_budget == MANY as u64
    })
    .await;
    let second_tries = old.count();
    hold.open();
    let mut served = 0;
    for client in &mut clients {
        let answer = client.read().await.unwrap();
        match answer.status {
            200 => served += 1,
            500 => assert_eq!(answer.text(), "bad"),
            other => panic!("{other}"),
        }
    }
    assert_eq!(served, second_tries);
    // A fifth of what is in flight, which falls while answers go out, and never less than three.
    assert!((3..=MANY / 5).contains(&served), "{served}");
    house.at_rest().await;
    // The places in the budget are free again.
    assert_eq!(house.get("/").await.text(), "old");
    house.stop().await;
}

async fn over(endpoints: &[&Origin], percent: f64) -> House {
    let old = Origin::saying("old");
    let text = two_sides(&[&old], endpoints, "", percent, "");
    let house = Plan::new(text).start().await;
    drop(old);
    house
}

#[tokio::test]
async fn a_dead_endpoint_is_replaced_by_another_of_its_side() {
    let (dead, one, two) = (Origin::dead(), Origin::saying("new"), Origin::saying("new"));
    // The other side is gone, so only this one can answer.
    let house = over(&[&dead, &one, &two], 100.0).await;
    let mut client = house.client().await;
    for n in 0..60 {
        // Not even a POST is lost: what was never sent may be sent elsewhere.
        let method = if n % 2 == 0 { "GET" } else { "POST" };
        let answer = client.request(method, "/", &[], b"x").await.unwrap();
        assert_eq!(answer.text(), "new");
    }
    house.at_rest().await;
    let counts = house.candidate();
    assert!(counts.retries(Reason::Connect) >= 1, "{counts:?}");
    assert_eq!(counts.fallbacks(Reason::Connect), 0);
    assert_eq!(house.trips(&dead), 1);
    assert!(one.count() > 0 && two.count() > 0);
    house.stop().await;
}

#[tokio::test]
async fn endpoints_share_by_weight_and_by_what_is_in_flight() {
    let (light, heavy) = (Origin::saying("light"), Origin::saying("heavy"));
    let text = format!(
        "[backends.old]\nendpoints = [{:?}, {{ url = {:?}, weight = 4 }}]\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        light.url(),
        heavy.url()
    );
    let house = Plan::new(text).start().await;
    let mut client = house.client().await;
    for _ in 0..1000 {
        client.get("/").await;
    }
    // When idle, the heavy one wins every draw that sees it: 1 - 0.2 * 0.2 = 0.96, sigma 6.2.
    assert!((935..=985).contains(&heavy.count()), "{}", heavy.count());
    // When the heavy one is stuck, requests go around it.
    let gate = Gate::default();
    let stuck = gate.clone();
    heavy.set(move |_| vec![Do::Await(stuck.clone()), ok(b"heavy")]);
    let before = light.count();
    let mut waiting: Vec<Client> = Vec::new();
    for _ in 0..100 {
        let mut client = house.client().await;
        client.send(request("GET", "/", &[], b"")).await;
        waiting.push(client);
    }
    eventually("all have arrived", || light.count() + heavy.count() == 1100).await;
    assert!(light.count() - before >= 10, "{}", light.count() - before);
    gate.open();
    for client in &mut waiting {
        assert_eq!(client.read().await.unwrap().status, 200);
    }
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn without_any_endpoint_the_answer_says_so() {
    let text = backend_table("old", &[], "") + "[[routes]]\nname = \"all\"\nprimary = \"old\"\n";
    let house = Plan::new(text).start().await;
    let answer = house.get("/").await;
    assert_eq!((answer.status, answer.reason()), (503, Some("no_endpoint")));
    assert_eq!(house.faults(Fault::NoEndpoint), 1);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_side_without_endpoints_leaves_its_share_to_the_other() {
    let old = Origin::saying("old");
    let house = Plan::new(two_sides(&[&old], &[], "", 100.0, ""))
        .start()
        .await;
    for _ in 0..10 {
        assert_eq!(house.get("/").await.text(), "old");
    }
    house.at_rest().await;
    assert_eq!(house.candidate().fallbacks(Reason::Bypass), 10);
    house.stop().await;
}

#[tokio::test]
async fn when_both_sides_refuse_the_answer_says_so() {
    let (old, new) = (Origin::dead(), Origin::dead());
    let house = Plan::sides(&old, &new, 100.0, "").start().await;
    for method in ["GET", "POST"] {
        let mut client = house.client().await;
        let answer = client.request(method, "/", &[], b"x").await.unwrap();
        assert_eq!(
            (answer.status, answer.reason()),
            (502, Some("upstream_connect"))
        );
    }
    house.at_rest().await;
    assert_eq!(bad_attempts(&house.candidate()), 2);
    assert_eq!(bad_attempts(&house.primary()), 2);
    assert_eq!(house.candidate().all_requests(), 2);
    assert_eq!(
        house.candidate().elsewhere(Class::Connect) + house.candidate().here(Class::Connect),
        2
    );
    house.stop().await;
}

/// One of two endpoints goes with all that it had. The budget lets only some of that try the other
/// one; the rest has the other side to go to.
#[tokio::test]
async fn what_a_dying_endpoint_had_is_served_beyond_the_budget() {
    const MANY: usize = 100;
    let gate = Gate::default();
    let (held, dying) = (gate.clone(), Origin::new(|_| vec![Do::Stall]));
    let sibling = Origin::new(move |_| vec![Do::Await(held.clone()), ok(b"new")]);
    let old = Origin::saying("old");
    let text = two_sides(&[&old], &[&dying, &sibling], "", 100.0, "");
    let house = Plan::new(text).start().await;
    let mut clients = Vec::new();
    for _ in 0..MANY {
        let mut client = house.client().await;
        client.send(request("GET", "/", &[], b"")).await;
        clients.push(client);
    }
    eventually("all are waiting", || {
        dying.count() + sibling.count() == MANY
    })
    .await;
    let lost = dying.count();
    assert!(lost > MANY / 4, "{lost} is within the budget");
    dying.kill().await;
    eventually("all are decided", || sibling.count() + old.count() == MANY).await;
    gate.open();
    for client in &mut clients {
        assert_eq!(client.read().await.unwrap().status, 200);
    }
    assert!(old.count() > 0, "the budget held nobody back");
    house.at_rest().await;
    house.stop().await;
}
