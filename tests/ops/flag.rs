//! A percent that a feature flag keeps: what it says, what it must not say, and what holds when it is silent.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use figshift::api::FlagState;
use figshift::control::{Actor, Change, What};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::desk::{Desk, TOKEN};
use crate::support::eventually;
use crate::support::house::Plan;
use crate::support::origin::{Do, Origin, Seen, ok, status};

/// Answers with this value, as the protocol wants it.
fn says(value: &str) -> impl Fn(&Seen) -> Vec<Do> + Send + Sync + use<> {
    let body = format!(r#"{{"key": "vastai-percent", "value": {value}, "reason": "STATIC"}}"#);
    move |_| vec![ok(body.as_bytes())]
}

/// `[routes.flag]`, with further keys.
fn route(flags: &Origin, keys: &str) -> String {
    let url = flags.url();
    format!(
        "[routes.flag]\nurl = {url:?}\nkey = \"vastai-percent\"\nevery = \"1s\"\ntimeout = \"1s\"\n{keys}\n"
    )
}

/// A house with 5 % in the file.
async fn open(flags: &Origin, keys: &str) -> Desk {
    in_folder(tempfile::tempdir().unwrap(), flags, keys).await
}

async fn in_folder(folder: TempDir, flags: &Origin, keys: &str) -> Desk {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let plan = Plan::sides(&old, &new, 5.0, &route(flags, keys));
    let house = plan.start_in(folder).await.unwrap();
    Desk { old, new, house }
}

async fn save(desk: &Desk, route: &str) {
    let plan = Plan::sides(&desk.old, &desk.new, 5.0, route);
    desk.house.save(&plan.rest).await;
}

/// Waits until the last question went wrong in this way.
async fn trouble(desk: &Desk, part: &str) {
    let what = format!("an error with {part:?}");
    eventually(&what, || {
        let sights = desk.house.app.flags.load();
        let error = sights.get("all").and_then(|sight| sight.error.clone());
        error.is_some_and(|error| error.contains(part))
    })
    .await;
}

async fn state(desk: &Desk) -> FlagState {
    let flags = &desk.house.app.flags;
    eventually("the flag is known", || !flags.load().is_empty()).await;
    desk.state().await.routes.remove(0).flag.unwrap()
}

/// The value of a series; `None` without it.
async fn series(desk: &Desk, name: &str) -> Option<f64> {
    let host = format!("host: {}", desk.port());
    let text = desk.raw("GET /metrics", &[&host], "").await.text();
    let line = format!("figshift_{name}{{route=\"all\"}} ");
    let value = text.lines().find_map(|found| found.strip_prefix(&line));
    value.map(|value| value.parse().unwrap())
}

async fn tell(desk: &Desk, hundredths: u16) {
    let route = "all".to_owned();
    let what = What::Flag { route, hundredths };
    let change = Change::new(what, Actor::Flag);
    desk.house.app.door().ask(change).await.unwrap();
}

#[tokio::test]
async fn the_percent_follows_the_flag_and_nothing_but_a_percent() {
    let flags = Origin::new(says("0"));
    let desk = open(&flags, &format!("token = {TOKEN:?}")).await;
    desk.comes_to(0).await;
    flags.set(says("10"));
    desk.comes_to(1_000).await;
    assert_eq!(desk.why(), "10 % ← flag 10 % ← file 5 %");
    for (value, part) in [
        ("250", "250 is not from 0 to 100"),
        ("\"x\"", "a string"),
        ("\"30\"", "a string"),
        ("true", "a boolean"),
    ] {
        flags.set(says(value));
        trouble(&desk, part).await;
        assert_eq!(desk.in_force(), 1_000, "{value}");
    }
    flags.set(says("30.25"));
    desk.comes_to(3_025).await;
    let flag = state(&desk).await;
    assert_eq!(
        (flag.percent, flag.says, flag.error),
        (Some(30.25), Some(30.25), None)
    );

    let seen = &flags.seen()[0];
    let target = "/ofrep/v1/evaluate/flags/vastai-percent";
    assert_eq!((seen.method(), seen.target()), ("POST", target));
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(seen.head.get("authorization"), Some(&*bearer));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let context = json!({ "targetingKey": "figshift", "route": "all" });
    assert_eq!(body, json!({ "context": context }));
    let what = desk.journal().await.entries.pop().unwrap();
    assert_eq!((&*what.what, &*what.actor), ("flag", "flag"));
}

#[tokio::test]
async fn what_it_said_last_holds_while_it_is_silent() {
    let flags = Origin::new(says("10"));
    let desk = open(&flags, "").await;
    desk.comes_to(1_000).await;
    flags.kill().await;
    trouble(&desk, "refused").await;
    flags.revive();
    let errors: [(&str, &[u8], &str); 4] = [
        (
            "404 Not Found",
            br#"{"errorCode": "FLAG_NOT_FOUND"}"#,
            "no such flag",
        ),
        (
            "400 Bad Request",
            br#"{"errorCode": "PARSE_ERROR"}"#,
            "PARSE_ERROR",
        ),
        ("401 Unauthorized", b"", "token"),
        (
            "500 Internal Server Error",
            br#"{"value": 90}"#,
            "status 500",
        ),
    ];
    for (line, body, part) in errors {
        flags.set(move |_| vec![status(line, &[], body)]);
        trouble(&desk, part).await;
    }
    flags.set(|_| vec![Do::Stall]);
    trouble(&desk, "no answer within 1 s").await;
    assert_eq!(desk.in_force(), 1_000);
    flags.set(says("40"));
    desk.comes_to(4_000).await;
}

#[tokio::test]
async fn no_more_than_max_whatever_it_says() {
    let flags = Origin::new(says("80"));
    let desk = open(&flags, "max = 20").await;
    desk.comes_to(2_000).await;
    let flag = state(&desk).await;
    assert_eq!((flag.percent, flag.says), (Some(20.0), Some(80.0)));
    let why = desk.why();
    assert!(why.starts_with("20 % ← flag 20 %: it says more"), "{why}");
    // A lower bound holds although nobody can be asked, and for a reader that does not know it yet.
    flags.kill().await;
    save(&desk, &route(&flags, "max = 15")).await;
    assert_eq!(desk.in_force(), 1_500);
    tell(&desk, 9_000).await;
    assert_eq!(desk.in_force(), 1_500);
    flags.revive();
    save(&desk, &route(&flags, "max = 90")).await;
    desk.comes_to(8_000).await;
}

#[tokio::test]
async fn a_restart_without_the_service_keeps_the_value_and_calls_it_stale() {
    let flags = Origin::new(says("40"));
    let keys = "stale_after = \"3s\"";
    let desk = open(&flags, keys).await;
    desk.comes_to(4_000).await;
    assert_eq!(series(&desk, "flag_stale").await, Some(0.0));
    flags.kill().await;
    let desk = in_folder(desk.house.stop().await, &flags, keys).await;
    assert_eq!(desk.in_force(), 4_000);
    let flag = state(&desk).await;
    assert_eq!((&*flag.key, flag.percent), ("vastai-percent", Some(40.0)));
    assert_eq!((flag.says, flag.last_success), (None, None));
    eventually("it is stale", || {
        desk.house.app.flags.load()["all"].is_stale(Instant::now())
    })
    .await;
    let flag = state(&desk).await;
    assert!(flag.stale && flag.age_seconds >= 3.0, "{flag:?}");
    assert!(flag.error.unwrap().contains("refused"));
    assert_eq!(series(&desk, "flag_stale").await, Some(1.0));
    let age = series(&desk, "flag_last_success_age_seconds").await;
    assert!(age.unwrap() >= 3.0);
    assert_eq!(desk.in_force(), 4_000, "stale, and in force");

    flags.set(says("41"));
    flags.revive();
    desk.comes_to(4_100).await;
    let flag = state(&desk).await;
    assert!(!flag.stale && flag.last_success.is_some(), "{flag:?}");
    assert_eq!(series(&desk, "flag_stale").await, Some(0.0));
}

#[tokio::test]
async fn what_came_last_counts_and_without_its_keys_the_flag_is_gone() {
    let flags = Origin::new(says("10"));
    let desk = open(&flags, "").await;
    desk.comes_to(1_000).await;
    desk.shift(50.0).await.unwrap();
    let asked = flags.count();
    eventually("it says the same twice more", || flags.count() >= asked + 3).await;
    assert_eq!(desk.in_force(), 5_000);
    flags.set(says("11"));
    desk.comes_to(1_100).await;
    desk.rollback().await;
    flags.set(says("12"));
    eventually("it is read under the kill switch", || {
        desk.house.app.flags.load()["all"].says == Some(12.0)
    })
    .await;
    assert_eq!(desk.in_force(), 0);
    desk.post("resume", &json!({})).await.unwrap();
    desk.comes_to(1_200).await;

    save(&desk, "").await;
    assert_eq!((desk.in_force(), &*desk.why()), (500, "5 % ← file 5 %"));
    tell(&desk, 9_000).await;
    assert_eq!(desk.in_force(), 500, "of a reader that has not ended yet");
    eventually("nothing is known of it", || {
        desk.house.app.flags.load().is_empty()
    })
    .await;
    assert_eq!(series(&desk, "flag_stale").await, None);
    assert_eq!(desk.state().await.routes[0].flag, None);
}

#[tokio::test]
async fn who_asks_for_patience_gets_it() {
    let times: Arc<Mutex<Vec<Instant>>> = Arc::default();
    let noted = Arc::clone(&times);
    let flags = Origin::new(move |_| {
        noted.lock().unwrap().push(Instant::now());
        let wait = ["retry-after: 3"];
        vec![status("429 Too Many Requests", &wait, b"")]
    });
    let desk = open(&flags, "").await;
    let asked_twice = || times.lock().unwrap().len() >= 2;
    eventually("it is asked again", asked_twice).await;
    let times = times.lock().unwrap().clone();
    assert!(times[1] - times[0] >= Duration::from_secs(3));
    trouble(&desk, "too many questions").await;
    assert_eq!(desk.in_force(), 500);
}
