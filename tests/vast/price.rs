//! What instances cost: by the API, as they stand, and as long as it says so.

use crate::stage::{admin, plan, row, service, state};
use crate::support::house::House;
use crate::support::origin::Origin;
use crate::support::vast::{Mood, Place, VastAi};
use crate::support::{eventually, soon};

/// The value of a series; `None` without it.
async fn series(house: &House, name: &str) -> Option<f64> {
    let text = admin(house, "/metrics").await;
    let line = format!("figshift_{name}{{backend=\"new\"}} ");
    let value = text.lines().find_map(|found| found.strip_prefix(&line));
    value.map(|value| value.parse().unwrap())
}

async fn comes_to(house: &House, what: &str, is: impl Fn(Option<f64>) -> bool) {
    let wait = async {
        while !is(series(house, "backend_dollars_per_hour").await) {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon(what, wait).await;
}

#[tokio::test]
async fn instances_that_run_cost_all_and_those_that_stand_their_storage() {
    let near_to =
        |meant: f64| move |is: Option<f64>| is.is_some_and(|is| (is - meant).abs() < 1e-9);
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new).price(0.4, 0.01));
    vast.put(row(2, &new).price(0.5, 0.02).loading());
    let budget = "budget = { per_hour = 0.8 }";
    let house = plan(&vast, &old, 50, budget).start().await;
    comes_to(&house, "both shall run", near_to(0.9)).await;
    // That is too much in an hour, at 50 %.
    eventually("the budget caps", || {
        house.standing().forces["all"].budget().is_some()
    })
    .await;
    vast.alter(2, |row| row.price(0.5, 0.02).preempted());
    comes_to(&house, "one is outbid", near_to(0.42)).await;
    // A price that has fallen once may rise again: the cap waits for some minutes.
    let capped = || house.standing().forces["all"].budget().is_some();
    assert!(capped());
    let cost = state(&house).await["cost"].clone();
    assert_eq!(cost["source"], "instances");
    assert_eq!(cost.get("age_seconds"), None);

    // The API fails: the last good figure holds, and its age is told.
    vast.behave(Place::Instances, Mood::Status("502 Bad Gateway"));
    let aged = async {
        while !series(&house, "backend_price_age_seconds")
            .await
            .is_some_and(|age| age > 1.0)
        {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    };
    soon("the price has an age", aged).await;
    assert!(near_to(0.42)(
        series(&house, "backend_dollars_per_hour").await
    ));
    assert!(state(&house).await["cost"]["age_seconds"].is_number());
    vast.behave(Place::Instances, Mood::Fine);

    // A row without its price: nobody knows the sum, and nobody says that it is nothing.
    vast.alter(1, |row| row.set("dph_total", serde_json::Value::Null));
    comes_to(&house, "the price is unknown", |is| is.is_none()).await;
    let cost = state(&house).await["cost"].clone();
    assert_eq!(cost.get("dollars_per_hour"), None);
    assert_eq!(cost["unknown"], "vastai:1 has none in the list");
    assert!(cost["last_hour"].as_f64().unwrap() > 0.0);
    assert!(capped());
}
