//! What stood against another try.

use figshift::api::Refused;

use super::asking::{explain, explain_now, send};
use crate::support::client::request;
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::noise;
use crate::support::origin::{Do, Gate, Origin, ok, status};

#[tokio::test]
async fn what_is_not_tried_again_and_why() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    new.set(|_| vec![status("500 Oh", &[], b"bad")]);
    let route = "fallback_on = [500]\nreplay_bytes = \"1KiB\"";
    let house = Plan::sides(&old, &new, 100.0, route).start().await;
    let mut client = house.client().await;
    for (method, id, body, refusal) in [
        ("POST", "harm", noise(10), Refused::NotRepeatable),
        ("PUT", "long", noise(2_000), Refused::BodyTooLong),
    ] {
        let answer = send(&mut client, method, id, &[], &body).await;
        assert_eq!((answer.status, answer.text().as_str()), (500, "bad"));
        let told = explain(&house, id).await;
        assert_eq!(told.tries.len(), 1, "{told:?}");
        assert_eq!(told.tries[0].refused, [refusal]);
        assert_eq!(
            (told.class.as_deref(), told.status),
            (Some("server_error"), Some(500))
        );
        assert_eq!((told.served_by.as_deref(), told.fault), (Some("new"), None));
    }
    assert_eq!(old.accepted(), 0);
    new.set(|_| vec![Do::Reset]);
    let answer = send(&mut client, "POST", "reset", &[], b"x").await;
    assert_eq!(answer.status, 502);
    let told = explain(&house, "reset").await;
    assert_eq!(told.tries[0].refused, [Refused::NotRepeatable]);
    assert_eq!(
        (told.class.as_deref(), told.status, told.fault.as_deref()),
        (Some("reset"), Some(502), Some("upstream_reset"))
    );
    house.stop().await;
}

#[tokio::test]
async fn what_the_retry_budget_refused() {
    const MANY: usize = 40;
    let (gate, hold) = (Gate::default(), Gate::default());
    let (first, second) = (gate.clone(), hold.clone());
    let new = Origin::new(move |_| vec![Do::Await(first.clone()), status("500 Oh", &[], b"bad")]);
    let old = Origin::new(move |_| vec![Do::Await(second.clone()), ok(b"old")]);
    let house = Plan::sides(&old, &new, 100.0, "fallback_on = [500]")
        .start()
        .await;
    let mut clients = Vec::new();
    for n in 0..MANY {
        let mut client = house.client().await;
        let id = format!("x-request-id: n{n}");
        client.send(request("GET", "/", &[&id], b"")).await;
        clients.push(client);
    }
    eventually("all are waiting", || new.count() == MANY).await;
    let told = explain_now(&house, "n0").await;
    assert!(told.running && told.tries[0].ended_ms.is_none(), "{told:?}");
    gate.open();
    eventually("all are decided", || {
        old.count() as u64 + house.candidate().over_budget == MANY as u64
    })
    .await;
    hold.open();
    let (mut served, mut spent) = (0, 0);
    for (n, client) in clients.iter_mut().enumerate() {
        let answer = client.read().await.unwrap();
        let told = explain(&house, &format!("n{n}")).await;
        if answer.status == 200 {
            served += 1;
            assert_eq!(told.tries.len(), 2);
        } else {
            spent += 1;
            assert_eq!(told.tries.len(), 1);
            assert_eq!(told.tries[0].refused, [Refused::OverBudget]);
        }
        assert_eq!(told.status, Some(answer.status));
    }
    assert!(served > 0 && spent > 0, "{served} {spent}");
    house.stop().await;
}
