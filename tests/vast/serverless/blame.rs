//! Who is blamed for what: a backend that has failed, and neither a client nor the one that stood in for it.

use super::stand::{backend, has_key, house, post, with};
use crate::support::house::{House, Plan, backend_table};
use crate::support::origin::Origin;
use crate::support::serverless::{COMPLETION, Engine, Work, Worker};
use figshift::stats::{Class, Reason};

/// A house in which all requests belong to the primary, with a Serverless candidate beside it.
async fn beside(engine: &Engine, old: &Origin) -> House {
    let table = backend_table("old", &[old], "");
    let new = backend(engine, "", "");
    let route =
        "[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 0.01\n";
    let house = Plan::new(format!("{table}{new}{route}")).start().await;
    has_key(&house).await;
    house
}

#[tokio::test]
async fn who_fits_nowhere_else_is_told_of_the_primary_that_is_gone() {
    let worker = Worker::new(&[Work::Answer]);
    let engine = Engine::new(&[worker.ready()]);
    let old = Origin::dead();
    let house = beside(&engine, &old).await;
    let get = async || {
        let mut client = house.client().await;
        client.request("GET", "/x", &[], b"").await.unwrap()
    };
    // Also when its breaker has opened.
    for n in 0..8 {
        let answer = get().await;
        let told = (answer.status, answer.reason());
        assert_eq!(told, (502, Some("upstream_connect")), "{n}");
    }
    let counts = house.primary();
    assert_eq!(counts.here(Class::ClientError), 0);
    assert_eq!(counts.here(Class::Connect), 8);
    assert_eq!(counts.fallbacks(Reason::Bypass), 0);
    assert_eq!((worker.count(), engine.asked()), (0, 0));
    // What fits is served there meanwhile.
    assert_eq!(post(&house, &[]).await.text(), COMPLETION);
    assert_eq!(house.primary().fallbacks(Reason::Bypass), 1);
    // And a primary that is back serves what does not, before anybody has found out.
    old.revive();
    assert_eq!(get().await.text(), "alive");
    house.stop().await;
}
