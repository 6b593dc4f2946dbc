//! Clients that ask too often.

use figshift::stats::Fault;

use super::others::{assert_problem, metrics};
use crate::support::house::{House, Plan};
use crate::support::origin::Origin;

async fn house(origin: &Origin, limit: &str) -> House {
    let mut plan = Plan::alone(origin, "").workers(2);
    plan.rest += &format!("rate_limit = {{ {limit} }}\n");
    plan.listen("trusted = [\"127.0.0.1\"]").start().await
}

/// Statuses of so many requests with a line, each on a connection of its own.
async fn statuses(house: &House, times: usize, line: &str) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        let answer = house.client().await.get_with("/", &[line]).await;
        if answer.status != 200 {
            assert_problem(&answer, 429, "rate_limited");
            let wait: u32 = answer.get("retry-after").unwrap().parse().unwrap();
            assert!((1..=3600).contains(&wait), "{wait}");
        }
        statuses.push(answer.status);
    }
    statuses
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_again_and_others_are_served() {
    let origin = Origin::saying("ok");
    let rates = "requests = 2, per = \"1h\", burst = 3, key = \"header:x-key\"";
    let house = house(&origin, rates).await;
    for key in ["x-key: one", "x-key: two", "x-forwarded-for: 192.0.2.1"] {
        assert_eq!(
            statuses(&house, 5, key).await,
            [200, 200, 200, 429, 429],
            "{key}"
        );
    }
    assert_eq!(house.faults(Fault::RateLimited), 6);
    assert_eq!(origin.count(), 9);
    house.at_rest().await;
    assert_eq!(house.primary().all_requests(), 9);
    assert_eq!(house.trips(&origin), 0);
    let metrics = metrics(house.app.admin).await;
    assert!(metrics.contains("\nfigshift_rate_limited_total{route=\"all\"} 6\n"));
    assert!(metrics.contains("\nfigshift_rate_limit_clients{route=\"all\"} 3\n"));
    // A reload that does not concern it forgives nobody, and one that does begins anew.
    let mut plan = house.plan.clone();
    plan.rest += "idempotent = true\n";
    house.save(&plan.rest).await;
    assert_eq!(statuses(&house, 1, "x-key: one").await, [429]);
    let snapshot = house.app.publisher.current();
    let rate = snapshot.routes[0].rate.as_ref().unwrap();
    assert_eq!((rate.refused(), rate.clients()), (7, 3));
    house
        .save(&plan.rest.replace("burst = 3", "burst = 4"))
        .await;
    assert_eq!(
        statuses(&house, 5, "x-key: one").await,
        [200, 200, 200, 200, 429]
    );
    house.stop().await;
}

#[tokio::test]
async fn a_client_is_its_address_and_of_ipv6_its_network() {
    let origin = Origin::saying("ok");
    let house = house(&origin, "requests = 1, per = \"1h\"").await;
    for (line, status) in [
        ("x-forwarded-for: 192.0.2.1", 200),
        ("x-forwarded-for: 192.0.2.1", 429),
        ("x-forwarded-for: ::ffff:192.0.2.1", 429),
        ("x-forwarded-for: 192.0.2.2", 200),
        ("x-forwarded-for: 2001:db8::1", 200),
        ("x-forwarded-for: 2001:db8::ffff:2", 429),
        ("x-forwarded-for: 2001:db8:0:1::1", 200),
    ] {
        assert_eq!(statuses(&house, 1, line).await, [status], "{line}");
    }
    house.stop().await;
}
