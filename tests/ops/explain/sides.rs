//! Which side a request was given to, by what, and what was in force.

use figshift::api::{ChosenBy, Refused};
use serde_json::json;

use super::asking::{explain, get, send};
use crate::desk::Desk;
use crate::support::house::Plan;
use crate::support::origin::Origin;

#[tokio::test]
async fn what_chose_the_side() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let route = "sticky = [\"header:x-user\", \"cookie:sid\"]\nside_header = true";
    let plan = Plan::sides(&old, &new, 40.0, route).listen("trusted = [\"127.0.0.1\"]");
    let house = plan.start().await;
    let mut client = house.client().await;
    let mut sides = std::collections::BTreeSet::new();
    for user in 0..20 {
        let line = format!("x-user: {user}");
        let (one, two) = (format!("one{user}"), format!("two{user}"));
        let served = send(&mut client, "GET", &one, &[&line], b"").await.text();
        send(&mut client, "GET", &two, &[&line], b"").await;
        let told = explain(&house, &one).await;
        let choice = told.choice.unwrap();
        assert_eq!(choice.by, ChosenBy::Sticky);
        assert_eq!(choice.sticky.as_deref(), Some("header:x-user"));
        assert_eq!(choice.percent, 40.0);
        let (draw, side) = (choice.draw.unwrap(), &*choice.side);
        assert_eq!(draw < 40.0, side == "candidate");
        assert_eq!(served, if side == "candidate" { "new" } else { "old" });
        assert_eq!(told.served_by, Some(served));
        // The same user stands at the same place.
        assert_eq!(explain(&house, &two).await.choice.unwrap().draw, Some(draw));
        sides.insert(side.to_owned());
    }
    assert_eq!(sides.len(), 2);
    for (id, line, by, sticky) in [
        (
            "cookie",
            "cookie: sid=7",
            ChosenBy::Sticky,
            Some("cookie:sid"),
        ),
        ("none", "x-nothing: 1", ChosenBy::Draw, None),
        (
            "asked",
            "x-figshift-side: candidate",
            ChosenBy::SideHeader,
            None,
        ),
    ] {
        send(&mut client, "GET", id, &[line], b"").await;
        let choice = explain(&house, id).await.choice.unwrap();
        assert_eq!((choice.by, choice.sticky.as_deref()), (by, sticky), "{id}");
        assert_eq!(choice.draw.is_some(), by != ChosenBy::SideHeader, "{id}");
    }
    house.stop().await;
}

#[tokio::test]
async fn under_a_kill_switch_the_chain_is_told() {
    let desk = Desk::open().await;
    let body = json!({ "reason": "p95 doubled" });
    desk.post("rollback", &body).await.unwrap();
    get(&desk.house, "killed").await;
    let told = explain(&desk.house, "killed").await;
    let choice = told.choice.unwrap();
    assert_eq!((&*choice.side, choice.percent), ("primary", 0.0));
    assert!(choice.draw.is_some());
    let chain = "0 % ← rollback by operator: p95 doubled ← file 25 %";
    assert_eq!(choice.why.as_deref(), Some(chain));
    assert_eq!(told.epoch, Some(2));
    // At 0 % nothing falls back to the candidate.
    desk.old.kill().await;
    assert_eq!(get(&desk.house, "dead").await.status, 502);
    let told = explain(&desk.house, "dead").await;
    assert_eq!(told.tries.len(), 1);
    assert_eq!(told.tries[0].refused, [Refused::NowhereElse]);
    // And after the rollback, what was decided under it is told as it was.
    desk.post("resume", &json!({})).await.unwrap();
    let told = explain(&desk.house, "dead").await;
    assert_eq!(told.choice.unwrap().why.as_deref(), Some(chain));
    desk.house.stop().await;
}
