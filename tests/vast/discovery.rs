//! Instances that appear, move, are preempted and come back, under load.

use std::time::Duration;

use crate::stage::{
    self, LABEL, READY, admin, placeholder, plan, ready, row, served, service, state,
};
use crate::support::eventually;
use crate::support::load::Load;
use crate::support::origin::{Do, Origin, ok};
use crate::support::vast::{Place, Row, VastAi};

/// Twice the interval, and what a look and a readiness request need.
const TWO_LOOKS: Duration = Duration::from_millis(3_500);

async fn within(limit: Duration, what: &str, holds: impl FnMut() -> bool) {
    let begun = std::time::Instant::now();
    eventually(what, holds).await;
    assert!(
        begun.elapsed() <= limit,
        "{what}: after {:?}",
        begun.elapsed()
    );
}

fn key(id: u64) -> String {
    format!("vastai:{id}")
}

#[tokio::test]
async fn instances_come_move_and_go_and_no_request_fails() {
    let (vast, old) = (VastAi::new(), Origin::saying("old"));
    let (first, second, moved) = (service("first"), service("second"), service("moved"));
    // Up, but not ready: its portal answers for it.
    first.set(|_| placeholder());
    vast.put(Row::new(1).label(LABEL).loading());
    let stranger = Origin::saying("stranger");
    vast.put(row(9, &stranger).label("other"));
    let house = plan(&vast, &old, 50, "").start().await;
    let load = Load::start(house.app.http, 2, 0);
    eventually("the list was read", || vast.count(Place::Instances) > 0).await;

    // It runs, and is not ready.
    vast.alter(1, |_| row(1, &first));
    within(TWO_LOOKS, "it is asked", || first.count() > 0).await;
    let asked = first.seen().remove(0);
    assert_eq!((asked.method(), asked.target()), ("POST", READY));
    assert_eq!(asked.body, br#"{"prompt": "1"}"#);
    assert_eq!(asked.head.get("content-type"), Some("application/json"));
    assert_eq!(ready(&house), Vec::<String>::new());
    assert_eq!(served(&first), 0);
    let told = state(&house).await["discovery"]["found"][0].clone();
    assert_eq!(told["key"], "vastai:1");
    assert_eq!(
        (&told["state"], &told["ready"]),
        (&"running".into(), &false.into())
    );
    assert!(told["note"].as_str().unwrap().contains("portal"), "{told}");

    // It is ready.
    first.set(|seen| match seen.target() {
        READY => vec![ok(b"choices")],
        _ => vec![ok(b"first")],
    });
    within(TWO_LOOKS, "it gets traffic", || served(&first) > 0).await;

    // Another one, and the first one's service has moved to another port.
    vast.put(row(2, &second));
    within(TWO_LOOKS, "the second gets traffic", || served(&second) > 0).await;
    let reused = |house: &crate::support::house::House| {
        let snapshot = house.app.publisher.current();
        let new = snapshot
            .backends
            .iter()
            .find(|b| &*b.name == "new")
            .unwrap();
        let one = new
            .members
            .iter()
            .find(|m| *m.endpoint.key == *key(1))
            .unwrap();
        one.endpoint
            .cells
            .iter()
            .map(|cell| cell.good.get())
            .sum::<u64>()
    };
    let counted = reused(&house);
    assert!(counted > 0);
    vast.alter(1, |_| row(1, &moved));
    within(TWO_LOOKS, "it gets traffic where it is now", || {
        served(&moved) > 0
    })
    .await;
    assert!(reused(&house) >= counted, "its counters were lost");
    let left = first.count();

    // Preempted: it is gone before the API knows.
    second.kill().await;
    within(Duration::from_millis(1_500), "nobody goes there", || {
        ready(&house) == [key(1)]
    })
    .await;
    vast.alter(2, |row| row.preempted());
    eventually("it is known to be preempted", || {
        let known = house.app.finds.known.load();
        known["new"]
            .found
            .iter()
            .any(|found| found.state.as_str() == "preempted")
    })
    .await;
    let metrics = admin(&house, "/metrics").await;
    let line = r#"figshift_discovery_found{backend="new",state="preempted"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    let gone = r#"figshift_endpoint_present{backend="new",endpoint="vastai:2"} 0"#;
    assert!(metrics.contains(gone), "{metrics}");

    // Back, elsewhere.
    let back = service("back");
    vast.alter(2, |_| row(2, &back).interruptible());
    within(TWO_LOOKS, "it is back", || served(&back) > 0).await;

    // Vanished.
    vast.remove(1);
    within(TWO_LOOKS, "nobody goes there", || ready(&house) == [key(2)]).await;
    // What had begun before may still be on its way.
    let mark = served(&back);
    eventually("others go on", || served(&back) > mark + 20).await;
    let last = served(&moved);
    eventually("others go on", || served(&back) > mark + 60).await;
    assert_eq!(served(&moved), last);
    assert_eq!(first.count(), left, "the old address was asked");
    assert_eq!(stranger.count(), 0, "another label's instance was asked");

    let tally = load.stop().await;
    assert_eq!(tally.of("GET 200"), tally.all(), "{:?}", tally.answers);
    assert!(tally.cut.is_empty(), "{:?}", tally.cut);
    assert_eq!(vast.too_fast(), Vec::<String>::new());
    house.stop().await;
}

#[tokio::test]
async fn many_backends_share_one_look_over_all_pages() {
    let (vast, old) = (VastAi::new(), Origin::saying("old"));
    let services: Vec<_> = (0..3).map(|_| service("new")).collect();
    for id in 1..=60 {
        let label = if id % 2 == 0 { LABEL } else { "second" };
        vast.put(row(id, &services[id as usize % 3]).label(label));
    }
    let mut plan = plan(&vast, &old, 50, "");
    let second = plan.rest.split("[[routes]]").next().unwrap();
    let second = second.split_once("[backends.new]").unwrap().1;
    let second = format!("[backends.new]{second}")
        .replace("backends.new", "backends.second")
        .replace(LABEL, "second");
    plan.rest = format!("{second}{}", plan.rest);
    let house = plan.start().await;
    let members = |name: &str| {
        let snapshot = house.app.publisher.current();
        let backend = snapshot
            .backends
            .iter()
            .find(|backend| &*backend.name == name);
        backend.unwrap().members.len()
    };
    eventually("all are there", || {
        members("new") == 30 && members("second") == 30
    })
    .await;
    let calls = vast.calls();
    let filters: Vec<_> = calls
        .iter()
        .filter_map(|call| call.parameter("select_filters"))
        .collect();
    let both = format!(r#"{{"label":{{"in":["second","{LABEL}"]}}}}"#);
    assert!(filters.iter().all(|filter| *filter == both), "{filters:?}");
    // Three pages each time.
    assert_eq!(filters.len(), calls.len());
    assert_eq!(vast.too_fast(), Vec::<String>::new());
    house.stop().await;
}

#[tokio::test]
async fn a_restart_without_the_api_begins_with_what_was_found_last() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let first = plan(&vast, &old, 100, "");
    let house = first.clone().start().await;
    eventually("it gets traffic", || ready(&house) == [key(1)]).await;
    let folder = house.stop().await;
    vast.origin().kill().await;
    let house = first.start_in(folder).await.unwrap();
    // Not without having proven itself again.
    eventually("it gets traffic", || ready(&house) == [key(1)]).await;
    assert_eq!(house.get("/").await.text(), "new");
    eventually("the API is missed", || {
        let known = house.app.finds.known.load();
        known["new"].error.is_some()
    })
    .await;
    assert_eq!(ready(&house), [key(1)]);
    house.stop().await;
}

#[tokio::test]
async fn a_stream_on_a_preempted_instance_runs_on_while_the_service_does() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    let gate = crate::support::origin::Gate::default();
    let waits = gate.clone();
    new.set(move |seen| match seen.target() {
        READY => vec![ok(b"choices")],
        _ => vec![
            crate::support::origin::raw("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nhalf"),
            crate::support::origin::Do::Await(waits.clone()),
            crate::support::origin::raw("done"),
        ],
    });
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == [key(1)]).await;
    let mut client = house.client().await;
    client
        .send(crate::support::client::request("GET", "/", &[], b""))
        .await;
    client.read_until("half").await;
    vast.alter(1, |row| row.preempted());
    eventually("it is out", || ready(&house).is_empty()).await;
    assert_eq!(house.get("/").await.text(), "old");
    gate.open();
    client.read_until("done").await;
    house.stop().await;
}

#[tokio::test]
async fn an_instance_is_shown_its_own_authorization_and_never_the_key() {
    let (vast, old, one, two) = (
        VastAi::new(),
        Origin::saying("old"),
        service("1"),
        service("2"),
    );
    vast.put(row(1, &one));
    vast.put(row(2, &two));
    let auth = r#"auth = { bearer = "portal-token-of-all", instances = { 2 = { basic = "vastai:password-of-two" } } }"#;
    let house = plan(&vast, &old, 100, auth).start().await;
    eventually("both are ready", || ready(&house).len() == 2).await;
    let mut client = house.client().await;
    while served(&one) == 0 || served(&two) == 0 {
        let answer = client
            .get_with("/", &["authorization: Bearer of-the-client"])
            .await;
        assert_eq!(answer.status, 200);
    }
    // base64 of `vastai:password-of-two`
    let basic = "Basic dmFzdGFpOnBhc3N3b3JkLW9mLXR3bw==";
    for (origin, shown) in [(&one, "Bearer portal-token-of-all"), (&two, basic)] {
        for seen in origin.seen() {
            assert_eq!(seen.head.get("authorization"), Some(shown));
            let text = format!("{:?}", seen.head);
            assert!(!text.contains(crate::support::vast::KEY) && !text.contains("of-the-client"));
        }
    }
    house.stop().await;
}

#[tokio::test]
async fn a_signed_notification_is_a_reason_to_look_at_once() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    let secret = "webhook-secret-0123456789";
    let mut plan = plan(&vast, &old, 50, "");
    plan.rest = plan.rest.replace(
        &format!("interval = \"{}\"\napi", stage::INTERVAL),
        &format!("interval = \"5m\"\nwebhook_secret = \"{secret}\"\napi"),
    );
    let house = plan.start().await;
    eventually("the list was read", || vast.count(Place::Instances) == 1).await;
    vast.put(row(1, &new));
    let body = br#"{"event_id": "e", "notif_type": "instance_started"}"#;
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    let timestamp = now.as_secs().to_string();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
    let signed = [timestamp.as_bytes(), b".", body].concat();
    let signature = ring::hmac::sign(&key, &signed);
    let hex: String = signature
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let notify = async |signature: &str| {
        let mut client = crate::support::client::Client::new(house.app.admin).await;
        let lines = [
            "content-type: application/json",
            &format!("x-vast-timestamp: {timestamp}"),
            &format!("x-vast-signature-256: {signature}"),
        ];
        let answer = client
            .request("POST", "/api/v1/vastai/webhook", &lines, body)
            .await;
        answer.unwrap().status
    };
    assert_eq!(notify(&format!("sha256={}", "0".repeat(64))).await, 401);
    assert_eq!(vast.count(Place::Instances), 1);
    assert_eq!(notify(&format!("sha256={hex}")).await, 200);
    eventually("it is found", || ready(&house) == ["vastai:1"]).await;
    assert_eq!(vast.too_fast(), Vec::<String>::new());
    house.stop().await;
}

#[tokio::test]
async fn a_stranger_who_has_got_the_address_sees_no_request_of_a_user() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == [key(1)]).await;
    let load = Load::start(house.app.http, 2, 0);
    eventually("it is used", || served(&new) > 10).await;
    // The API still says that it runs, where somebody else answers by now.
    new.kill().await;
    let used = new.count();
    new.set(|_| vec![ok(b"I am somebody else")]);
    eventually("its breaker has opened", || ready(&house).is_empty()).await;
    new.revive();
    let asked = || new.seen().split_off(used);
    eventually("it is asked some times", || asked().len() > 5).await;
    let tally = load.stop().await;
    assert!(asked().iter().all(|seen| seen.target() == READY));
    assert_eq!(
        tally.of("GET 200 old") + tally.of("GET 200 new"),
        tally.all()
    );
    house.stop().await;
}

#[tokio::test]
async fn one_that_answers_its_question_only_is_left_alone_longer_each_time() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    new.set(|seen| match seen.target() {
        READY => vec![ok(b"choices")],
        _ => vec![Do::Reset],
    });
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    let begun = std::time::Instant::now();
    let load = Load::start(house.app.http, 1, 0);
    let snapshot = || house.app.publisher.current();
    let trips = || {
        let snapshot = snapshot();
        let new = snapshot
            .backends
            .iter()
            .find(|backend| &*backend.name == "new")
            .unwrap();
        new.members
            .first()
            .map_or(0, |member| member.endpoint.fitness.sight().trips)
    };
    eventually("it has tripped again and again", || trips() == 4).await;
    // One second, two, four.
    assert!(
        begun.elapsed() >= Duration::from_secs(7),
        "{:?}",
        begun.elapsed()
    );
    load.stop().await;
    assert_eq!(vast.too_fast(), Vec::<String>::new());
    house.stop().await;
}

#[tokio::test]
async fn a_secret_that_is_missing_does_not_let_the_clients_own_through() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let auth = r#"auth = { bearer = "${NOT_SET_ANYWHERE:-}" }"#;
    let house = plan(&vast, &old, 100, auth).start().await;
    eventually("it is ready", || ready(&house) == [key(1)]).await;
    let mut client = house.client().await;
    client
        .get_with("/", &["authorization: Bearer of-the-client"])
        .await;
    for seen in new.seen() {
        assert_eq!(seen.head.get("authorization"), None);
    }
    house.stop().await;
}

#[tokio::test]
async fn another_label_means_other_instances_at_once() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let first = plan(&vast, &old, 100, "");
    let house = first.clone().start().await;
    eventually("it is ready", || ready(&house) == [key(1)]).await;
    vast.origin().kill().await;
    // The API is down, and those of the old label are not meant any more.
    house.save(&first.rest.replace(LABEL, "another")).await;
    assert_eq!(ready(&house), Vec::<String>::new());
    assert_eq!(house.get("/").await.text(), "old");
    let kept = std::fs::read_to_string(house.folder.path().join("state/discovered.json")).unwrap();
    assert!(kept.contains(LABEL), "{kept}");
    house.stop().await;
}

#[tokio::test]
async fn discovery_writes_no_line_into_the_journal() {
    let (vast, old) = (VastAi::new(), Origin::saying("old"));
    let services: Vec<_> = (0..3).map(|_| service("new")).collect();
    let house = plan(&vast, &old, 50, "").start().await;
    for id in 1..=3 {
        vast.put(row(id, &services[id as usize - 1]));
        eventually("it is ready", || ready(&house).len() == id as usize).await;
    }
    let journal = house.folder.path().join("state/journal.ndjson");
    assert_eq!(std::fs::read_to_string(journal).unwrap(), "");
    house.stop().await;
}

#[tokio::test]
async fn a_successor_need_not_prove_again_what_was_proven() {
    let (vast, old, new) = (VastAi::new(), Origin::saying("old"), service("new"));
    vast.put(row(1, &new));
    let house = plan(&vast, &old, 100, "").start().await;
    eventually("it is ready", || ready(&house) == [key(1)]).await;
    // Whoever has to ask now, waits.
    new.set(|seen| match seen.target() {
        READY => vec![Do::Stall],
        _ => vec![ok(b"new")],
    });
    let successor = figshift::app::App::take_over(&house.path, None);
    let successor = crate::support::soon("it takes over", successor)
        .await
        .unwrap();
    let snapshot = successor.publisher.current();
    let backend = snapshot
        .backends
        .iter()
        .find(|backend| &*backend.name == "new")
        .unwrap();
    assert!(backend.members[0].endpoint.carries());
    let mut client = crate::support::client::Client::new(successor.http).await;
    assert_eq!(client.get("/").await.text(), "new");
    successor.stop_unless(std::future::ready(())).await;
    house.stop().await;
}
