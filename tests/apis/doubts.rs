//! Cases in which a wrong side, a wrong 404 or a wrong word of the table would be easy.

use serde_json::{Value, json};

use super::crud::{ask, file, json};
use super::jobs::{ADAPTER, Jobs, OWNERSHIP, legacy, successor};
use super::owners::now;
use crate::support::client::Client;
use crate::support::house::{House, Plan, backend_table, two_sides};
use crate::support::origin::{Do, Gate, Origin, ok, raw, status};

const JSON: [&str; 1] = ["content-type: application/json"];

async fn make(client: &mut Client) -> String {
    let made = ask(
        client,
        "POST",
        "/api/jobs",
        &json!({"input": {"text": "x"}}),
    )
    .await;
    assert_eq!(made.status, 200, "{}", made.text());
    json(&made)["job_id"].as_str().unwrap().to_owned()
}

fn live(house: &House) -> usize {
    let owners = &house.app.publisher.current().owners;
    owners.tallies(now()).iter().map(|tally| tally.live).sum()
}

fn owner(house: &House, id: &str) -> Option<String> {
    let owners = &house.app.publisher.current().owners;
    let owned = owners.find("jobs", id.as_bytes(), now())?;
    Some(owned.backend.to_string())
}

fn plain(old: &Origin, new: &Origin, percent: f64, route: &str, rule: &str) -> Plan {
    let sides = two_sides(&[old], &[new], "", percent, route);
    Plan::new(format!("{sides}{rule}"))
}

#[tokio::test]
async fn a_primary_that_was_busy_and_a_candidate_without_it_make_no_404() {
    let (old, new) = (Origin::saying(""), successor(&Jobs::called("n")));
    old.set(|_| vec![status("503 Busy", &[], b"")]);
    let text = file(&old, &new, 50.0, OWNERSHIP)
        .replace("percent = 50", "percent = 50\nfallback_on = [\"502-504\"]");
    let house = Plan::new(text).start().await;
    let mut client = house.client().await;
    for method in ["GET", "DELETE"] {
        let answer = ask(&mut client, method, "/api/jobs/x", &Value::Null).await;
        assert_eq!(
            (answer.status, answer.reason()),
            (503, Some("owner")),
            "{}",
            answer.text()
        );
    }
    assert_eq!(house.trips(&new), 0, "its 404 was no failure");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_candidate_without_endpoints_may_still_have_it() {
    let old = legacy(&Jobs::called("o"));
    let mut text = backend_table("old", &[&old], "");
    text += "[backends.new]\nendpoints = []\n[[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 50\n";
    let house = Plan::new(format!("{text}{OWNERSHIP}")).start().await;
    let mut client = house.client().await;
    let answer = ask(&mut client, "GET", "/api/jobs/x", &Value::Null).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (503, Some("owner")),
        "{}",
        answer.text()
    );
    house.stop().await;
}

#[tokio::test]
async fn what_the_candidate_cannot_be_asked_it_does_not_have() {
    let (old, new) = (legacy(&Jobs::called("o")), successor(&Jobs::called("n")));
    let house = Plan::new(file(&old, &new, 50.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    // Its adapter has no operation for that.
    let answer = ask(&mut client, "GET", "/api/jobs/x/log", &Value::Null).await;
    assert_eq!(
        (answer.status, answer.reason()),
        (404, Some("owner")),
        "{}",
        answer.text()
    );
    assert_eq!((old.count(), new.count()), (1, 0));
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_part_that_is_missing_or_done_says_nothing_of_the_whole() {
    let (old, new) = (Origin::saying(""), Origin::saying(""));
    let house = plain(&old, &new, 100.0, "", OWNERSHIP).start().await;
    let mut client = house.client().await;
    new.set(|_| vec![status("200 OK", &JSON, br#"{"job_id":"7"}"#)]);
    client
        .request("POST", "/api/jobs", &[], b"{}")
        .await
        .unwrap();
    new.set(|_| vec![status("404 Not Found", &JSON, b"{}")]);
    client.get("/api/jobs/7/result").await;
    new.set(|_| vec![status("200 OK", &JSON, br#"{"state":"COMPLETED"}"#)]);
    client.get("/api/jobs/7/steps/1").await;
    client
        .request("POST", "/api/jobs/7/again", &[], b"{}")
        .await
        .unwrap();
    assert_eq!(live(&house), 1);
    client.get("/api/jobs/7").await;
    assert_eq!(live(&house), 0);
    // It goes on after all.
    new.set(|_| vec![status("200 OK", &JSON, br#"{"state":"RUNNING"}"#)]);
    client.get("/api/jobs/7").await;
    assert_eq!(live(&house), 1);
    house.stop().await;
}

#[tokio::test]
async fn what_any_path_gets_makes_nobody_an_owner() {
    let (old, new) = (Origin::saying(""), successor(&Jobs::called("n")));
    old.set(|seen| match seen.method() {
        "OPTIONS" => vec![raw("HTTP/1.1 204 No Content\r\n\r\n")],
        _ => vec![status("302 Found", &["location: /login"], b"")],
    });
    let house = Plan::new(file(&old, &new, 0.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    assert_eq!(
        client
            .request("OPTIONS", "/api/jobs/x", &[], b"")
            .await
            .unwrap()
            .status,
        204
    );
    assert_eq!(client.get("/api/jobs/x").await.status, 302);
    assert_eq!(owner(&house, "x"), None);
    house.stop().await;
}

#[tokio::test]
async fn a_list_is_whole_after_a_second_try_and_needs_no_candidate_that_has_nothing() {
    let rule = format!("{OWNERSHIP}list = \"merge\"\n");
    let (bad, good, new) = (Origin::saying(""), Origin::saying(""), Origin::saying(""));
    bad.set(|_| {
        vec![
            raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"),
            Do::Reset,
        ]
    });
    good.set(|_| vec![status("200 OK", &JSON, br#"{"jobs":[1]}"#)]);
    new.set(|_| vec![status("200 OK", &JSON, br#"{"jobs":[2]}"#)]);
    let sides = |percent| two_sides(&[&bad, &good], &[&new], "", percent, "");
    let house = Plan::new(format!("{}{rule}", sides(50.0))).start().await;
    let mut client = house.client().await;
    while bad.count() == 0 {
        let all = client.get("/api/jobs").await;
        assert_eq!(json(&all), json!({"jobs": [1, 2]}));
    }
    // A candidate that was never given anything is missed by nobody.
    bad.set(|_| vec![status("200 OK", &JSON, br#"{"jobs":[1]}"#)]);
    new.kill().await;
    house.save(&format!("{}{rule}", sides(0.0))).await;
    assert_eq!(json(&client.get("/api/jobs").await), json!({"jobs": [1]}));
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn what_became_a_post_is_not_sent_twice() {
    let (old, new) = (Origin::saying("old"), Origin::new(|_| vec![Do::Reset]));
    let adapter =
        "[adapters.a.operations.run]\nclient = \"PUT /run/{id}\"\nbackend = \"POST /v1/run\"\n";
    let house = plain(&old, &new, 100.0, "adapters.candidate = \"a\"", adapter)
        .start()
        .await;
    let mut client = house.client().await;
    let answer = client.request("PUT", "/run/7", &[], b"x").await.unwrap();
    assert_eq!(
        (answer.status, old.count(), new.count()),
        (502, 0, 1),
        "{}",
        answer.text()
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_prefix_leads_nowhere_else() {
    let rule = r#"
[[ownership]]
name     = "jobs"
create   = ["POST /api/jobs"]
use      = ["/api/jobs/{id}", "/api/jobs/{id}/{rest...}"]
id_mode  = "prefix"
prefixes = { new = "v1~" }
"#;
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let house = plain(&old, &new, 0.0, "", rule).start().await;
    let mut client = house.client().await;
    for target in [
        "/api/jobs/v1~..",
        "/api/jobs/v1~",
        "/api/jobs/v1~%2e%2e",
        "/api/jobs/v1~../cancel",
    ] {
        let answer = client.request("DELETE", target, &[], b"").await.unwrap();
        assert_eq!(
            (answer.status, answer.reason()),
            (502, Some("owner")),
            "{target}"
        );
    }
    assert_eq!((old.count(), new.count()), (0, 0));
    assert_eq!(client.get("/api/jobs/v1~a%2Fb").await.text(), "new");
    assert_eq!(new.seen()[0].target(), "/api/jobs/a%2Fb");
    house.stop().await;
}

#[tokio::test]
async fn an_id_may_have_a_slash_and_stand_in_a_packed_body() {
    use std::io::Write as _;
    let rule = format!("{OWNERSHIP}unknown = \"primary\"\n")
        .replace("use    = [", "use    = [\"POST /api/stop body:.job\", ");
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    new.set(|seen| match seen.target() {
        "/api/jobs" => vec![status("200 OK", &JSON, br#"{"job_id":"org/m-7"}"#)],
        _ => vec![ok(b"new")],
    });
    let house = plain(&old, &new, 100.0, "", &rule).start().await;
    let mut client = house.client().await;
    client
        .request("POST", "/api/jobs", &[], b"{}")
        .await
        .unwrap();
    house
        .save(&format!(
            "{}{rule}",
            two_sides(&[&old], &[&new], "", 0.0, "")
        ))
        .await;
    assert_eq!(client.get("/api/jobs/org%2Fm-7").await.text(), "new");
    assert_eq!(client.get("/api/jobs/org%2Fm-7/").await.text(), "new");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(br#"{"job":"org/m-7"}"#).unwrap();
    let packed = packed.finish().unwrap();
    let lines = ["content-encoding: gzip"];
    let stopped = client
        .request("POST", "/api/stop", &lines, &packed)
        .await
        .unwrap();
    assert_eq!(stopped.text(), "new");
    assert_eq!(new.seen().pop().unwrap().body, packed);
    house.stop().await;
}

#[tokio::test]
async fn a_create_that_is_no_json_is_not_held() {
    let (old, new) = (Origin::saying("old"), Origin::saying(""));
    let gate = Gate::default();
    let held = gate.clone();
    new.set(move |_| {
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\ntransfer-encoding: chunked\r\n\r\n";
        vec![raw(head), raw("6\r\n{\"a\":1\r\n"), Do::Await(held.clone()), raw("2\r\n}\n\r\n0\r\n\r\n")]
    });
    let house = plain(&old, &new, 100.0, "", OWNERSHIP).start().await;
    let mut client = house.client().await;
    client
        .send(crate::support::client::request(
            "POST",
            "/api/jobs",
            &[],
            b"{}",
        ))
        .await;
    client.read_head().await;
    client.read_until("{\"a\":1").await;
    gate.open();
    client.read_until("0\r\n\r\n").await;
    house.stop().await;
}

#[tokio::test]
async fn a_head_for_what_becomes_a_post_has_no_body() {
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let adapter = "[adapters.a.operations.run]\nclient = \"GET /run\"\nbackend = \"POST /v1/run\"\nrequest = \"{}\"\n";
    let house = plain(&old, &new, 100.0, "adapters.candidate = \"a\"", adapter)
        .start()
        .await;
    let mut client = house.client().await;
    let head = client.request("HEAD", "/run", &[], b"").await.unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(client.get("/run").await.text(), "new");
    assert_eq!(new.seen()[1].body, b"{}");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn an_also_never_takes_a_thing_from_its_owner() {
    let rule = format!("{OWNERSHIP}also = [\".other\"]\n");
    let (old, new) = (Origin::saying(""), Origin::saying(""));
    old.set(|_| vec![status("200 OK", &JSON, br#"{"job_id":"o1"}"#)]);
    new.set(|_| vec![status("200 OK", &JSON, br#"{"job_id":"n1","other":"o1"}"#)]);
    let sides = |percent| two_sides(&[&old], &[&new], "", percent, "");
    let house = Plan::new(format!("{}{rule}", sides(0.0))).start().await;
    let mut client = house.client().await;
    client
        .request("POST", "/api/jobs", &[], b"{}")
        .await
        .unwrap();
    house.save(&format!("{}{rule}", sides(100.0))).await;
    client
        .request("POST", "/api/jobs", &[], b"{}")
        .await
        .unwrap();
    client.get("/api/jobs/n1").await;
    assert_eq!(owner(&house, "o1").as_deref(), Some("old"));
    house.stop().await;
}

#[tokio::test]
async fn a_side_with_an_adapter_that_stands_in_for_another_is_counted_once() {
    let (old, new) = (Origin::dead(), successor(&Jobs::called("n")));
    let breaker = "breaker = { slow_start = \"0s\" }";
    let sides = two_sides(
        &[&old],
        &[&new],
        breaker,
        1.0,
        "adapters.candidate = \"jobs\"",
    );
    let house = Plan::new(format!("{sides}{ADAPTER}")).start().await;
    let mut client = house.client().await;
    for _ in 0..30 {
        make(&mut client).await;
    }
    house.at_rest().await;
    let counts = house.primary();
    let bypassed = counts.fallbacks(figshift::stats::Reason::Bypass);
    let connect = counts.fallbacks(figshift::stats::Reason::Connect);
    assert_eq!(
        bypassed + connect,
        counts.all_requests(),
        "{bypassed} {connect}"
    );
    assert!(bypassed > 0);
    house.stop().await;
}
