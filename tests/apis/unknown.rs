//! Ids that nobody has seen are looked for.

use serde_json::{Value, json};

use super::crud::{ask, file, json};
use super::jobs::{Jobs, OWNERSHIP, legacy, successor};
use crate::support::house::{House, Plan};
use crate::support::origin::{Origin, status};
use figshift::stats::Looked;

fn looked(house: &House, looked: Looked) -> u64 {
    let snapshot = house.app.publisher.current();
    let cells = snapshot.ownership[0].cells.iter();
    cells.map(|cell| cell.looked[looked as usize].get()).sum()
}

struct Scene {
    old_jobs: Jobs,
    new_jobs: Jobs,
    old: Origin,
    new: Origin,
}

async fn scene(percent: f64, more: &str) -> (Scene, House) {
    let (old_jobs, new_jobs) = (Jobs::called("o"), Jobs::called("n"));
    let (old, new) = (legacy(&old_jobs), successor(&new_jobs));
    old_jobs.put(
        "a",
        json!({"id": "a", "state": "PENDING", "text": "of old"}),
    );
    new_jobs.put(
        "b",
        json!({"id": "b", "status": "queued", "prompt": "of new"}),
    );
    let house = Plan::new(file(&old, &new, percent, &format!("{OWNERSHIP}{more}")))
        .start()
        .await;
    let scene = Scene {
        old_jobs,
        new_jobs,
        old,
        new,
    };
    (scene, house)
}

#[tokio::test]
async fn a_read_asks_the_primary_then_the_candidate_and_remembers() {
    let (scene, house) = scene(0.0, "").await;
    let mut client = house.client().await;
    for (id, side) in [("a", "old"), ("b", "new")] {
        let path = format!("/api/jobs/{id}");
        let read = ask(&mut client, "GET", &path, &Value::Null).await;
        assert_eq!((read.status, &json(&read)["side"]), (200, &json!(side)));
        let before = (scene.old.count(), scene.new.count());
        let again = ask(&mut client, "GET", &path, &Value::Null).await;
        assert_eq!((again.status, &json(&again)["side"]), (200, &json!(side)));
        let after = (scene.old.count(), scene.new.count());
        assert_eq!(
            after.0 + after.1,
            before.0 + before.1 + 1,
            "it is known now"
        );
    }
    let nowhere = ask(&mut client, "GET", "/api/jobs/c", &Value::Null).await;
    assert_eq!(nowhere.status, 404);
    for (what, count) in [
        (Looked::AtPrimary, 1),
        (Looked::AtCandidate, 1),
        (Looked::Known, 2),
        (Looked::Nowhere, 1),
    ] {
        assert_eq!(looked(&house, what), count, "{what:?}");
    }
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_change_is_sent_only_to_where_a_read_has_found_it() {
    let (scene, house) = scene(0.0, "").await;
    let mut client = house.client().await;
    let cancelled = ask(&mut client, "POST", "/api/jobs/b/cancel", &json!({})).await;
    assert_eq!(
        (cancelled.status, &json(&cancelled)["side"]),
        (200, &json!("new"))
    );
    let of = |origin: &Origin| -> Vec<String> {
        origin
            .seen()
            .iter()
            .map(|seen| seen.head.first.clone())
            .collect()
    };
    assert_eq!(of(&scene.old), ["GET /api/jobs/b HTTP/1.1"], "only asked");
    assert_eq!(
        of(&scene.new),
        ["GET /v1/jobs/b HTTP/1.1", "POST /v1/jobs/b/stop HTTP/1.1"]
    );
    let removed = ask(&mut client, "DELETE", "/api/jobs/a", &Value::Null).await;
    assert_eq!(
        (removed.status, &json(&removed)["side"]),
        (200, &json!("old"))
    );
    assert_eq!(scene.old_jobs.ids(), Vec::<String>::new());
    assert_eq!(scene.new_jobs.ids(), ["b"]);
    // What nobody has is the primary's to refuse.
    let nowhere = ask(&mut client, "DELETE", "/api/jobs/c", &Value::Null).await;
    assert_eq!(
        (nowhere.status, &json(&nowhere)["error"]["message"]),
        (404, &json!("no such job"))
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_side_that_may_have_it_and_does_not_answer_is_no_404() {
    let (scene, house) = scene(50.0, "").await;
    let mut client = house.client().await;
    scene.new.kill().await;
    for method in ["GET", "DELETE"] {
        let read = ask(&mut client, method, "/api/jobs/b", &Value::Null).await;
        assert_eq!(
            (read.status, read.reason()),
            (503, Some("owner")),
            "{}",
            read.text()
        );
        assert_eq!(read.get("x-figshift-owner"), None, "nobody knows that");
    }
    assert!(scene.old.seen().iter().all(|seen| seen.method() == "GET"));
    // The primary fails: the candidate may have it, and if not, the primary may.
    scene.new.revive();
    scene.old.set(|_| vec![status("503 Busy", &[], b"")]);
    let found = ask(&mut client, "GET", "/api/jobs/b", &Value::Null).await;
    assert_eq!((found.status, &json(&found)["side"]), (200, &json!("new")));
    let unsure = ask(&mut client, "GET", "/api/jobs/a", &Value::Null).await;
    assert_eq!((unsure.status, unsure.reason()), (503, Some("owner")));
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_candidate_that_is_not_there_yet_makes_no_trouble() {
    let (scene, house) = scene(0.0, "").await;
    scene.new.kill().await;
    let mut client = house.client().await;
    let nowhere = ask(&mut client, "GET", "/api/jobs/c", &Value::Null).await;
    assert_eq!(nowhere.status, 404, "{}", nowhere.text());
    let nowhere = ask(&mut client, "DELETE", "/api/jobs/c", &Value::Null).await;
    assert_eq!(
        (nowhere.status, &json(&nowhere)["error"]["message"]),
        (404, &json!("no such job"))
    );
    let found = ask(&mut client, "GET", "/api/jobs/a", &Value::Null).await;
    assert_eq!(found.status, 200);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn the_primary_alone_may_be_asked() {
    let (scene, house) = scene(100.0, "unknown = \"primary\"\n").await;
    let mut client = house.client().await;
    let read = ask(&mut client, "GET", "/api/jobs/b", &Value::Null).await;
    assert_eq!((read.status, scene.new.count()), (404, 0));
    assert_eq!(looked(&house, Looked::Unknown), 1);
    house.stop().await;
}

#[tokio::test]
async fn an_id_may_stand_in_the_query_in_a_header_or_in_the_body() {
    let rule = r#"
[[ownership]]
name   = "jobs"
create = ["POST /api/jobs"]
id     = ["header:x-job", ".job_id"]
use    = ["GET /api/status query:job", "header:x-job", "POST /api/cancel body:.job.id"]
unknown = "primary"
"#;
    let (old, new) = (Origin::saying("old"), Origin::saying("new"));
    let sides = crate::support::house::two_sides(&[&old], &[&new], "", 100.0, "");
    let house = Plan::new(format!("{sides}{rule}")).start().await;
    let mut client = house.client().await;
    new.set(|seen| match seen.method() {
        "POST" if seen.target() == "/api/jobs" => {
            vec![status("202 Accepted", &["x-job: j 1"], b"{}")]
        }
        _ => vec![crate::support::origin::ok(b"new")],
    });
    client
        .request("POST", "/api/jobs", &[], b"{}")
        .await
        .unwrap();
    house
        .save(&format!(
            "{}{rule}",
            crate::support::house::two_sides(&[&old], &[&new], "", 0.0, "")
        ))
        .await;
    assert_eq!(client.get("/api/status?x=1&job=j+1").await.text(), "new");
    assert_eq!(client.get("/api/status?job=j2").await.text(), "old");
    assert_eq!(client.get_with("/any", &["x-job: j 1"]).await.text(), "new");
    assert_eq!(client.get("/any").await.text(), "old");
    let body = br#"{"job": {"id": "j 1"}}"#;
    let cancelled = client
        .request("POST", "/api/cancel", &[], body)
        .await
        .unwrap();
    assert_eq!(cancelled.text(), "new");
    assert_eq!(new.seen().pop().unwrap().body, body);
    let other = client
        .request("POST", "/api/cancel", &[], b"no json")
        .await
        .unwrap();
    assert_eq!(other.text(), "old");
    assert_eq!(old.seen().pop().unwrap().body, b"no json");
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_probe_names_what_else_the_path_names() {
    let rule = r#"
[[ownership]]
name   = "jobs"
create = ["POST /v2/{endpoint}/run"]
use    = ["GET /v2/{endpoint}/status/{id}", "POST /v2/{endpoint}/cancel/{id}"]
"#;
    let (old, new) = (Origin::saying(""), Origin::saying("new"));
    old.set(|_| vec![status("404 Not Found", &[], b"{}")]);
    let sides = crate::support::house::two_sides(&[&old], &[&new], "", 0.0, "");
    let house = Plan::new(format!("{sides}{rule}")).start().await;
    let mut client = house.client().await;
    let answer = client
        .request("POST", "/v2/shop/cancel/a%2Db", &[], b"")
        .await
        .unwrap();
    assert_eq!(answer.text(), "new");
    let asked: Vec<_> = old
        .seen()
        .iter()
        .map(|seen| seen.head.first.clone())
        .collect();
    assert_eq!(asked, ["GET /v2/shop/status/a-b HTTP/1.1"]);
    house.at_rest().await;
    house.stop().await;
}
