//! Endpoints from a file, a URL and the DNS.

use crate::support::dns::{Dns, Record};
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Origin, ok, status};

fn plan(old: &Origin, discover: &str) -> Plan {
    Plan::new(format!(
        r#"
[backends.old]
endpoints = ["{}"]
[backends.new]
breaker = {{ slow_start = "0s" }}
{discover}
[[routes]]
name = "all"
primary = "old"
candidate = "new"
percent = 100
"#,
        old.url()
    ))
}

fn members(house: &House) -> Vec<(String, u32)> {
    let snapshot = house.app.publisher.current();
    let backend = snapshot
        .backends
        .iter()
        .find(|backend| &*backend.name == "new");
    let members = backend.unwrap().members.iter();
    members
        .map(|member| (member.endpoint.url.to_string(), member.weight))
        .collect()
}

fn targets(origins: &[&Origin], weight: u32) -> String {
    let all: Vec<_> = origins
        .iter()
        .map(|origin| origin.address.to_string())
        .collect();
    format!(r#"[{{"targets": {all:?}, "labels": {{"weight": "{weight}"}}}}]"#)
}

#[tokio::test]
async fn a_file_of_targets_is_followed() {
    let (old, one, two) = (
        Origin::saying("old"),
        Origin::saying("1"),
        Origin::saying("2"),
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("targets.json");
    std::fs::write(&path, targets(&[&one], 1)).unwrap();
    let house = plan(
        &old,
        &format!("discover = {{ file = {{ path = {path:?} }} }}"),
    )
    .start()
    .await;
    eventually("it is there", || members(&house) == [(one.url(), 1)]).await;
    assert_eq!(house.get("/").await.text(), "1");
    std::fs::write(&path, targets(&[&two], 7)).unwrap();
    eventually("it has changed", || members(&house) == [(two.url(), 7)]).await;
    assert_eq!(house.get("/").await.text(), "2");
    // A broken list changes nothing, an empty one is one.
    std::fs::write(&path, "[{").unwrap();
    eventually("it is noticed", || {
        let known = house.app.finds.known.load();
        known["new"]
            .error
            .as_deref()
            .is_some_and(|error| error.contains("targets.json"))
    })
    .await;
    assert_eq!(members(&house), [(two.url(), 7)]);
    std::fs::write(&path, "[]").unwrap();
    eventually("it is empty", || members(&house).is_empty()).await;
    assert_eq!(house.get("/").await.text(), "old");
    house.stop().await;
}

#[tokio::test]
async fn a_url_of_targets_is_followed() {
    let (old, one) = (Origin::saying("old"), Origin::saying("1"));
    let list = targets(&[&one], 1);
    let inventory = Origin::new(move |seen| match seen.head.get("authorization") {
        Some("Bearer 0123456789abcdef") => vec![ok(list.as_bytes())],
        _ => vec![status("401 Unauthorized", &[], b"")],
    });
    let written = format!(
        "discover = {{ http = {{ url = \"{}/targets\", interval = \"1s\", token = \"0123456789abcdef\" }} }}",
        inventory.url()
    );
    let house = plan(&old, &written).start().await;
    eventually("it is there", || members(&house) == [(one.url(), 1)]).await;
    inventory.set(|_| vec![status("500 Internal Server Error", &[], b"[]")]);
    eventually("it is noticed", || {
        house.app.finds.known.load()["new"].error.is_some()
    })
    .await;
    assert_eq!(members(&house), [(one.url(), 1)]);
    house.stop().await;
}

#[tokio::test]
async fn names_are_looked_up_again_when_their_time_is_over() {
    let (old, one) = (Origin::saying("old"), Origin::saying("1"));
    let here = |last: u8| std::net::Ipv4Addr::new(127, 0, 0, last);
    let dns = Dns::new(1, vec![Record::A(here(1))]).await;
    let port = one.address.port();
    let written = format!(
        "discover = {{ dns = {{ name = \"llm.test.\", port = {port}, server = \"{}\", interval = \"1s\" }} }}",
        dns.address
    );
    let house = plan(&old, &written).start().await;
    let url = |last: u8| (format!("http://127.0.0.{last}:{port}"), 1);
    eventually("it is there", || members(&house) == [url(1)]).await;
    assert_eq!(house.get("/").await.text(), "1");
    dns.set(vec![Record::A(here(2)), Record::A(here(1))]);
    eventually("there are two", || members(&house) == [url(1), url(2)]).await;
    // A name that is gone is trouble, and changes nothing.
    dns.forget();
    eventually("it is noticed", || {
        house.app.finds.known.load()["new"].error.is_some()
    })
    .await;
    assert_eq!(members(&house), [url(1), url(2)]);
    house.stop().await;
}

#[tokio::test]
async fn services_have_their_own_ports_and_weights() {
    let old = Origin::saying("old");
    let dns = Dns::new(
        60,
        vec![
            Record::Srv(10, 5, 8001, "a.test"),
            Record::Srv(10, 0, 8002, "b.test"),
            Record::Srv(20, 9, 8003, "c.test"),
        ],
    )
    .await;
    let written = format!(
        "discover = {{ dns = {{ name = \"_http._tcp.llm.test.\", record = \"srv\", server = \"{}\", interval = \"1s\" }} }}",
        dns.address
    );
    let house = plan(&old, &written).start().await;
    let expected = [("http://a.test:8001", 5), ("http://b.test:8002", 1)];
    let expected = expected.map(|(url, weight)| (url.to_owned(), weight));
    eventually("they are there", || members(&house) == expected).await;
    // They live for a minute, so nobody asks again after a second, and nothing is old before that.
    let stale_after = house.app.finds.known.load()["new"].stale_after;
    assert!(
        stale_after >= std::time::Duration::from_secs(115),
        "{stale_after:?}"
    );
    let asked = dns.asked();
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    assert_eq!(dns.asked(), asked);
    house.stop().await;
}
