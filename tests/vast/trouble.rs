//! The API in all its moods: what was found last is kept, the alarm is told, and the key is nowhere.

use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;

use crate::stage::{admin, plan, ready, row, service, state};
use crate::support::eventually;
use crate::support::load::Load;
use crate::support::logs::{listen_to_logs, logs};
use crate::support::origin::Origin;
use crate::support::vast::{KEY, Mood, Place, VastAi};

/// Each with a part of what is told of it.
pub(crate) fn moods() -> Vec<(Mood, &'static str)> {
    vec![
        (Mood::Limited, "429"),
        (Mood::LimitedDetail, "429"),
        (Mood::LimitedJson, "429"),
        (Mood::LimitedFor(1), "429"),
        (Mood::SaysNo, ""),
        (Mood::Null, ""),
        (Mood::HtmlForbidden, "403"),
        (Mood::WrongKey, "401"),
        (Mood::WrongKeyAs404, "404"),
        (Mood::NoScope, "instance_read"),
        (Mood::Retired, "410"),
        (Mood::Echo, "400"),
        (Mood::Garbage, "JSON"),
        (Mood::Html, "JSON"),
        (Mood::Empty, "empty"),
        (Mood::Truncated, ""),
        (Mood::HalfJson, "JSON"),
        (Mood::Status("502 Bad Gateway"), "502"),
        (Mood::RepeatedToken, "again"),
        (Mood::Reset, ""),
        (Mood::Flood, ""),
    ]
}

#[tokio::test]
async fn no_mood_of_the_api_moves_any_traffic_or_shows_the_key() {
    listen_to_logs(tracing::Level::TRACE);
    let mut all: JoinSet<()> = moods()
        .into_iter()
        .map(|(mood, part)| one_mood(mood, part))
        .collect();
    while let Some(ended) = all.join_next().await {
        ended.unwrap();
    }
    let logs = logs();
    for (mood, part) in moods() {
        let is_told =
            |line: &str| line.contains("Endpoints cannot be looked for") && line.contains(part);
        assert!(logs.lines().any(is_told), "{mood:?} is not logged");
    }
    // Not even a part of it.
    let part = KEY.split_at(12).0;
    let line = logs.lines().find(|line| line.contains(part));
    assert_eq!(line, None, "the key is logged");
}

/// A house of its own for each, since patience grows with each failure.
async fn one_mood(mood: Mood, part: &str) {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == ["vastai:1"]).await;
    let load = Load::start(house.app.http, 1, 0);
    let shown = format!("{mood:?}");
    vast.behave(Place::Instances, mood);
    eventually(&shown, || {
        let known = house.app.finds.known.load();
        known["new"].error.is_some()
    })
    .await;
    let told = state(&house).await;
    let error = told["discovery"]["error"].as_str().unwrap();
    assert!(error.contains(part), "{shown}: {error}");
    let metrics = admin(&house, "/metrics").await;
    assert!(
        metrics.contains("figshift_discovery_failing{backend=\"new\"} 1"),
        "{shown}"
    );
    let whole: Value = serde_json::from_str(&admin(&house, "/api/v1/state").await).unwrap();
    for text in [&metrics, &whole.to_string()] {
        let part = KEY.split_at(12).0;
        assert!(!text.contains(part), "{shown}: the key is shown");
    }
    assert_eq!(ready(&house), ["vastai:1"], "{shown}");
    vast.behave(Place::Instances, Mood::Fine);
    eventually("it recovers", || {
        house.app.finds.known.load()["new"].error.is_none()
    })
    .await;
    let tally = load.stop().await;
    assert_eq!(
        tally.of("GET 200 new"),
        tally.all(),
        "{shown}: {:?}",
        tally.answers
    );
    assert_eq!(vast.too_fast(), Vec::<String>::new(), "{shown}");
    house.stop().await;
}

#[tokio::test]
async fn a_slow_api_moves_no_traffic_either() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == ["vastai:1"]).await;
    vast.behave(Place::Instances, Mood::Slow(Duration::from_secs(2)));
    let before = house.app.finds.known.load()["new"].looks;
    let load = Load::start(house.app.http, 1, 0);
    eventually("it was asked twice more", || {
        house.app.finds.known.load()["new"].looks >= before + 2
    })
    .await;
    let tally = load.stop().await;
    assert_eq!(tally.of("GET 200 new"), tally.all(), "{:?}", tally.answers);
    house.stop().await;
}

#[tokio::test]
async fn an_api_that_is_gone_moves_no_traffic_and_may_come_back() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == ["vastai:1"]).await;
    vast.origin().kill().await;
    eventually("it is noticed", || {
        house.app.finds.known.load()["new"].error.is_some()
    })
    .await;
    for _ in 0..50 {
        assert_eq!(house.get("/").await.text(), "new");
    }
    vast.origin().revive();
    eventually("it recovers", || {
        house.app.finds.known.load()["new"].error.is_none()
    })
    .await;
    house.stop().await;
}
