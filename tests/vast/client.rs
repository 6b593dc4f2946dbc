//! The client of the API: every page, no key where it does not belong, no bad answer taken for an empty one, and
//! never faster than what is published.

use std::time::{Duration, Instant};

use figshift::outbound::Outside;
use figshift::vast::{Blame, Filter, Instance, Key, Standing, Trouble, TroubleKind, Vast};
use serde_json::json;

use crate::support::origin::Origin;
use crate::support::vast::{KEY, Mood, Place, Row, VastAi};

fn client(base: &str) -> Vast {
    let vast = Vast::new(base, Key::new(KEY).unwrap(), Outside::default());
    vast.with_timeout(Duration::from_secs(10))
}

fn ids(instances: &[Instance]) -> Vec<u64> {
    instances.iter().map(|instance| instance.id).collect()
}

#[tokio::test]
async fn the_fixture_is_read_and_told() {
    let api = VastAi::with_fixture();
    let vast = client(&api.url());
    let label = "shop-inference".to_owned();
    let instances = vast.instances(&Filter::Labels(vec![label])).await.unwrap();
    let told: Vec<_> = instances
        .iter()
        .map(|i| {
            (
                i.id,
                i.standing(),
                i.address_of(8_000).map(|at| at.to_string()),
            )
        })
        .collect();
    let at = |text: &str| Some(text.to_owned());
    assert_eq!(
        told[0],
        (41_000_101, Standing::Runs, at("203.0.113.24:40012"))
    );
    assert_eq!(
        told[1],
        (41_000_102, Standing::Runs, at("198.51.100.77:51990"))
    );
    assert_eq!((told[2].1.word(), &told[2].2), ("starting", &None));
    assert_eq!((told[3].1, &told[3].2), (Standing::Preempted, &None));
    assert_eq!(told.len(), 4);

    let call = &api.calls()[0];
    assert_eq!(
        call.seen.head.get("authorization"),
        Some(&*format!("Bearer {KEY}"))
    );
    assert!(!call.seen.target().contains(KEY));
    let filter = call.parameter("select_filters").unwrap();
    assert_eq!(filter, r#"{"label":{"eq":"shop-inference"}}"#);

    assert_eq!(vast.instances(&Filter::All).await.unwrap().len(), 5);
    let two = Filter::Ids(vec![41_000_105, 41_000_101, 7]);
    assert_eq!(
        ids(&vast.instances(&two).await.unwrap()),
        [41_000_101, 41_000_105]
    );
    // Nothing can pass, so nobody is asked; and nothing that passes is no trouble.
    assert_eq!(vast.instances(&Filter::Ids(vec![])).await, Ok(vec![]));
    assert_eq!(api.count(Place::Instances), 3);
    let none = Filter::Labels(vec!["shop".to_owned(), "Shop-inference".to_owned()]);
    assert_eq!(vast.instances(&none).await, Ok(vec![]));
    assert_eq!(api.too_fast(), Vec::<String>::new());
}

#[tokio::test]
async fn all_pages_are_read_at_the_published_pace() {
    let api = VastAi::new();
    for id in 1..=60 {
        let label = if id % 2 == 0 { "even" } else { "odd" };
        api.put(Row::new(id).label(label));
    }
    let vast = client(&api.url());
    let begin = Instant::now();
    assert_eq!(vast.instances(&Filter::All).await.unwrap().len(), 60);
    assert_eq!(api.count(Place::Instances), 3);
    // A page of another list in between, by a copy: one pace for all.
    let even = Filter::Labels(vec!["even".to_owned()]);
    let copy = vast.clone();
    let (left, right) = tokio::join!(vast.instances(&even), copy.instances(&even));
    assert_eq!((left.unwrap().len(), right.unwrap().len()), (30, 30));
    assert_eq!(api.count(Place::Instances), 7);
    assert!(begin.elapsed() > Duration::from_secs(6));
    assert_eq!(api.too_fast(), Vec::<String>::new());
}

#[tokio::test]
async fn the_account_and_the_endpoints_are_read() {
    let api = VastAi::new();
    api.set_endpoints(vec![
        json!({"id": 9, "endpoint_name": "shop-llm", "api_key": "endpoint-key", "endpoint_state": "active"}),
    ]);
    let vast = client(&api.url());
    assert_eq!(vast.account().await.unwrap().credit, Some(42.5));
    let endpoints = vast.endpoints().await.unwrap();
    assert_eq!(endpoints[0].api_key, Key::new("endpoint-key"));
    api.set_scopes(&["instance_read"]);
    assert!(vast.instances(&Filter::All).await.is_ok());
    assert_eq!(vast.account().await.unwrap_err().kind(), TroubleKind::Scope);
    assert_eq!(
        vast.endpoints().await.unwrap_err().kind(),
        TroubleKind::Scope
    );
    assert_eq!(api.too_fast(), Vec::<String>::new());
}

/// Asks once, by a client that has not asked before.
async fn asked(api: &VastAi, mood: Mood) -> Trouble {
    api.forget_calls();
    let name = format!("{mood:?}");
    let limit = match mood {
        Mood::Stall | Mood::Slow(_) => Duration::from_millis(500),
        _ => Duration::from_secs(10),
    };
    api.behave(Place::Instances, mood);
    let vast = client(&api.url()).with_timeout(limit);
    let trouble = vast.instances(&Filter::All).await;
    let trouble = trouble.expect_err(&format!("{name} is no good answer"));
    for text in [
        trouble.to_string(),
        trouble.hint().to_owned(),
        format!("{trouble:?}"),
    ] {
        // Not even a part of it.
        let part = KEY.split_at(9).0;
        assert!(!text.contains(part), "{name}: {text}");
        assert!(!text.contains("limit="), "{name}: {text}");
        assert!(
            !text.contains('\n') && !text.contains('\u{1b}'),
            "{name}: {text}"
        );
    }
    trouble
}

#[tokio::test]
async fn no_bad_answer_is_taken_for_an_empty_one() {
    use TroubleKind as Kind;
    let api = VastAi::with_fixture();
    for (mood, kind, part) in [
        (
            Mood::Limited,
            Kind::Limited,
            "429: API requests too frequent",
        ),
        (
            Mood::LimitedDetail,
            Kind::Limited,
            "429: API requests too frequent endpoint threshold=1.0",
        ),
        (
            Mood::LimitedJson,
            Kind::Limited,
            "rate_limit_exceeded: Too many requests",
        ),
        (Mood::LimitedFor(7), Kind::Limited, "429"),
        (Mood::Quota(None), Kind::Quota, "search_quota_exceeded"),
        (
            Mood::SaysNo,
            Kind::Refused,
            "200: resources_unavailable: Required resources",
        ),
        (Mood::Null, Kind::Odd, "no list of instances"),
        (
            Mood::HtmlForbidden,
            Kind::Edge,
            "403: a page instead of JSON",
        ),
        (
            Mood::WrongKey,
            Kind::Key,
            "401: auth_error: Invalid user key",
        ),
        (
            Mood::WrongKeyAs404,
            Kind::Key,
            "404: auth_error: Invalid user key",
        ),
        (Mood::SessionExpired, Kind::Key, "Session expired"),
        (Mood::NoScope, Kind::Scope, "403: forbidden"),
        (Mood::Retired, Kind::Retired, "410: deprecated_endpoint"),
        (Mood::Echo, Kind::Refused, "bad call with key … in it"),
        (Mood::Garbage, Kind::NotJson, "not JSON"),
        (Mood::Html, Kind::NotJson, "a page"),
        (Mood::Empty, Kind::NotJson, "an empty answer"),
        (Mood::Truncated, Kind::Broken, "no answer"),
        (Mood::HalfJson, Kind::NotJson, "not JSON"),
        (Mood::Status("500 Internal Server Error"), Kind::Down, "500"),
        (Mood::Status("503 Service Unavailable"), Kind::Down, "503"),
        (Mood::Stall, Kind::Late, "no answer within 0.5 s"),
        (
            Mood::Slow(Duration::from_secs(60)),
            Kind::Late,
            "no answer within",
        ),
        (Mood::Reset, Kind::Broken, "no answer"),
        (
            Mood::RepeatedToken,
            Kind::Endless,
            "the same page comes again",
        ),
        (Mood::Flood, Kind::TooLong, "longer than 4194304 bytes"),
    ] {
        let name = format!("{mood:?}");
        let trouble = asked(&api, mood).await;
        assert_eq!(trouble.kind(), kind, "{name}: {trouble}");
        assert!(trouble.to_string().contains(part), "{name}: {trouble}");
        assert!(
            trouble.to_string().starts_with("/api/v1/instances/: "),
            "{trouble}"
        );
        assert_eq!(api.too_fast(), Vec::<String>::new(), "{name}");
    }
    let wait = asked(&api, Mood::LimitedFor(7)).await.retry_after();
    assert_eq!(wait, Some(Duration::from_secs(7)));
    let quota = asked(&api, Mood::Quota(None)).await;
    assert!(quota.retry_after().unwrap() <= Duration::from_secs(86_400));
    api.origin().kill().await;
    let down = asked(&api, Mood::Fine).await;
    assert_eq!(
        (down.kind(), down.blame()),
        (TroubleKind::Broken, Blame::Network)
    );
}

#[tokio::test]
async fn a_list_of_which_a_page_fails_is_no_list() {
    let api = VastAi::new();
    (1..=30).for_each(|id| api.put(Row::new(id)));
    let vast = client(&api.url());
    let asked = tokio::spawn(async move { vast.instances(&Filter::All).await });
    crate::support::eventually("the first page is asked for", || {
        api.count(Place::Instances) == 1
    })
    .await;
    api.behave(Place::Instances, Mood::Status("502 Bad Gateway"));
    assert_eq!(asked.await.unwrap().unwrap_err().kind(), TroubleKind::Down);
}

#[tokio::test]
async fn a_list_that_ends_too_early_is_no_list() {
    let api = VastAi::with_fixture();
    let vast = client(&api.url());
    let label = Filter::Labels(vec!["shop-inference".to_owned()]);
    api.behave(Place::Instances, Mood::LostPages(5));
    for filter in [&Filter::All, &label] {
        let trouble = vast.instances(filter).await.unwrap_err();
        assert_eq!(trouble.kind(), TroubleKind::Odd);
        let told = "/api/v1/instances/: the pages end after 0 of 5 instances";
        assert_eq!(trouble.to_string(), told);
    }
    // A total that knows nothing of the filter hides nothing and is no trouble.
    api.behave(Place::Instances, Mood::TotalOfAll);
    assert_eq!(vast.instances(&label).await.unwrap().len(), 4);
    let none = Filter::Labels(vec!["none".to_owned()]);
    assert_eq!(vast.instances(&none).await, Ok(vec![]));
    assert_eq!(api.too_fast(), Vec::<String>::new());
}

#[tokio::test]
async fn who_is_asked_for_a_pause_makes_one() {
    let api = VastAi::with_fixture();
    api.behave_times(Place::Instances, Mood::LimitedFor(2), 1);
    let vast = client(&api.url());
    let first = vast.instances(&Filter::All).await.unwrap_err();
    assert_eq!(first.retry_after(), Some(Duration::from_secs(2)));
    let second = vast.clone().instances(&Filter::All).await.unwrap_err();
    assert_eq!(second.kind(), TroubleKind::Limited);
    assert!(second.may_pass());
    tokio::time::sleep(Duration::from_millis(600)).await;
    let third = vast.instances(&Filter::All).await.unwrap_err();
    assert!(third.retry_after() < second.retry_after());
    // A log tells it once.
    assert_eq!(third.to_string(), second.to_string());
    assert_eq!(
        api.count(Place::Instances),
        1,
        "the pause is kept without a call"
    );
    tokio::time::sleep(third.retry_after().unwrap()).await;
    assert_eq!(vast.instances(&Filter::All).await.unwrap().len(), 5);
}

#[tokio::test]
async fn the_key_goes_nowhere_else() {
    let elsewhere = Origin::saying("{\"instances\": []}");
    let api = VastAi::with_fixture();
    let to = format!("{}/?api_key=x", elsewhere.url());
    let trouble = asked(&api, Mood::Redirect(to)).await;
    assert_eq!(
        (trouble.kind(), elsewhere.count()),
        (TroubleKind::Redirect, 0)
    );
    assert!(
        trouble.to_string().ends_with("308: it leads to 127.0.0.1"),
        "{trouble}"
    );
    let odd = Vast::new(
        &api.url(),
        Key::new("two words").unwrap(),
        Outside::default(),
    );
    api.forget_calls();
    let trouble = odd.instances(&Filter::All).await.unwrap_err();
    assert_eq!((trouble.kind(), api.calls().len()), (TroubleKind::Key, 0));
}

#[tokio::test]
async fn the_stand_in_is_as_strict_as_the_real_one() {
    let api = VastAi::with_fixture();
    let outside = Outside::default();
    let get = async |path: &str, key: Option<&str>| {
        let url = format!("{}{path}", api.url());
        let answer = outside
            .get(&url, key, 1 << 20, Duration::from_secs(5))
            .await;
        let answer = answer.unwrap();
        (answer.status, String::from_utf8(answer.body).unwrap())
    };
    let (status, body) = get("/api/v0/instances/", Some(KEY)).await;
    assert_eq!((status, body.contains("deprecated_endpoint")), (410, true));
    assert_eq!(get("/api/v0/instances/41000101/", Some(KEY)).await.0, 200);
    assert_eq!(
        get("/api/v0/instances/7/", Some(KEY)).await.1,
        "{\"instances\":null}"
    );
    assert_eq!(get("/api/v1/instances/", None).await.0, 401);
    // Limits hold for each key.
    assert_eq!(get("/api/v1/instances/", Some(KEY)).await.0, 200);
    assert_eq!(get("/api/v1/instances/", Some(KEY)).await.0, 429);
    assert_eq!(api.too_fast().len(), 1);
    for (query, status) in [
        ("limit=2", 200),
        ("limit=x", 400),
        ("after_token=nonsense", 400),
        ("after_token=%22after%2B%2F41000101%3D%3D%22", 400),
        ("after_token=after+/41000101==", 400),
        ("after_token=after%2B%2F41000101%3D%3D", 200),
        (
            "select_filters=%7B%22dph_total%22%3A%7B%22lt%22%3A1%7D%7D",
            400,
        ),
        ("select_filters=7", 400),
        ("api_key=x", 401),
    ] {
        api.forget_calls();
        let path = format!("/api/v1/instances/?{query}");
        assert_eq!(get(&path, Some(KEY)).await.0, status, "{query}");
    }
    api.forget_calls();
    api.alter(41_000_101, |row| {
        row.at(8_000, "192.0.2.9:1234".parse().unwrap())
    });
    api.remove(41_000_102);
    let (_, body) = get("/api/v1/instances/?limit=0", Some(KEY)).await;
    assert!(body.contains("192.0.2.9") && !body.contains("41000102"));
}
