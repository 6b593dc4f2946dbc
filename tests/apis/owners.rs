//! Jobs stay where they were born, whatever the percent is.

use serde_json::{Value, json};

use super::crud::{ask, file, json};
use super::jobs::{Jobs, OWNERSHIP, legacy, successor};
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::house::{House, Plan};
use crate::support::origin::{Do, Gate, Origin, status};

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

/// Live entries of a backend.
fn live(house: &House, backend: &str) -> usize {
    let owners = &house.app.publisher.current().owners;
    let tallies = owners.tallies(now());
    tallies
        .iter()
        .filter(|tally| *tally.backend == *backend)
        .map(|tally| tally.live)
        .sum()
}

pub(crate) fn now() -> u32 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u32::try_from(since.unwrap().as_secs()).unwrap()
}

struct Scene {
    old_jobs: Jobs,
    new_jobs: Jobs,
    old: Origin,
    new: Origin,
}

fn scene() -> Scene {
    let (old_jobs, new_jobs) = (Jobs::called("o"), Jobs::called("n"));
    Scene {
        old: legacy(&old_jobs),
        new: successor(&new_jobs),
        old_jobs,
        new_jobs,
    }
}

#[tokio::test]
async fn a_job_is_found_at_its_owner_after_every_shift_and_restart() {
    let Scene { old, new, .. } = scene();
    let plan = |percent| Plan::new(file(&old, &new, percent, OWNERSHIP));
    let house = plan(0.0).start().await;
    let mut client = house.client().await;
    let mut ids = vec![make(&mut client).await, make(&mut client).await];
    house.save(&file(&old, &new, 100.0, OWNERSHIP)).await;
    ids.extend([make(&mut client).await, make(&mut client).await]);
    house.save(&file(&old, &new, 0.0, OWNERSHIP)).await;
    ids.push(make(&mut client).await);
    let asked = |origin: &Origin| origin.count();
    let find_all = async |house: &House| {
        let mut client = house.client().await;
        let before = asked(&old) + asked(&new);
        for id in &ids {
            let read = ask(&mut client, "GET", &format!("/api/jobs/{id}"), &Value::Null).await;
            let side = if id.starts_with('n') { "new" } else { "old" };
            assert_eq!(
                (read.status, &json(&read)["side"]),
                (200, &json!(side)),
                "{id}"
            );
        }
        assert_eq!(
            asked(&old) + asked(&new),
            before + ids.len(),
            "nobody was asked in vain"
        );
    };
    find_all(&house).await;
    drop(client);
    let folder = house.stop().await;
    let house = plan(0.0).start_in(folder).await.unwrap();
    find_all(&house).await;
    assert_eq!((live(&house, "old"), live(&house, "new")), (3, 2));
    house.stop().await;
}

#[tokio::test]
async fn a_job_whose_owner_is_down_is_never_looked_for_elsewhere() {
    let Scene { old, new, .. } = scene();
    let house = Plan::new(file(&old, &new, 100.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    let id = make(&mut client).await;
    new.kill().await;
    let before = old.count();
    for method in ["GET", "DELETE"] {
        let answer = ask(
            &mut client,
            method,
            &format!("/api/jobs/{id}"),
            &Value::Null,
        )
        .await;
        assert_eq!(answer.status, 502, "{}", answer.text());
        assert_eq!(answer.get("x-figshift-owner"), Some("new"));
        assert!(
            answer.text().contains("belongs to the backend new"),
            "{}",
            answer.text()
        );
    }
    assert_eq!(old.count(), before);
    // What is not bound goes on: a new job falls back.
    assert!(make(&mut client).await.starts_with('o'));
    new.revive();
    let path = format!("/api/jobs/{id}");
    let read = ask(&mut client, "GET", &path, &Value::Null).await;
    assert_eq!(read.status, 200);
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_job_is_live_until_it_says_that_it_is_done_or_is_gone() {
    let Scene {
        new_jobs, old, new, ..
    } = scene();
    let house = Plan::new(file(&old, &new, 100.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(make(&mut client).await);
    }
    assert_eq!(live(&house, "new"), 4);
    new_jobs.set(&ids[0], "status", json!("done"));
    for id in &ids {
        ask(&mut client, "GET", &format!("/api/jobs/{id}"), &Value::Null).await;
    }
    assert_eq!(live(&house, "new"), 3, "one was seen to be done");
    ask(
        &mut client,
        "DELETE",
        &format!("/api/jobs/{}", ids[1]),
        &Value::Null,
    )
    .await;
    assert_eq!(live(&house, "new"), 2, "one was removed");
    new_jobs.remove(&ids[2]);
    let gone = ask(
        &mut client,
        "GET",
        &format!("/api/jobs/{}", ids[2]),
        &Value::Null,
    )
    .await;
    assert_eq!((gone.status, live(&house, "new")), (404, 1));
    let stopped = ask(
        &mut client,
        "POST",
        &format!("/api/jobs/{}/cancel", ids[3]),
        &json!({}),
    )
    .await;
    assert_eq!((stopped.status, live(&house, "new")), (200, 0));
    house.stop().await;
}

#[tokio::test]
async fn moved_data_is_found_under_its_old_id() {
    let Scene {
        old_jobs,
        new_jobs,
        old,
        new,
    } = scene();
    let house = Plan::new(file(&old, &new, 0.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    let id = make(&mut client).await;
    // It is moved: the new side has it under a name of its own.
    old_jobs.remove(&id);
    new_jobs.put(
        "moved/1",
        json!({"id": "moved/1", "status": "done", "prompt": "x"}),
    );
    new_jobs.put("m1", json!({"id": "m1", "status": "queued", "prompt": "x"}));
    let owners = house.app.publisher.current().owners.clone();
    owners.learn(
        figshift::owners::Learned {
            rule: "jobs",
            id: id.as_bytes(),
            backend: "new",
            ttl: 3600,
            origin: "",
            theirs: Some("m1"),
        },
        now(),
    );
    let read = ask(&mut client, "GET", &format!("/api/jobs/{id}"), &Value::Null).await;
    assert_eq!(read.status, 200, "{}", read.text());
    assert_eq!(
        json(&read)["job_id"],
        json!(id),
        "its client knows it by that"
    );
    assert_eq!(new.seen().pop().unwrap().target(), "/v1/jobs/m1");
    house.stop().await;
}

#[tokio::test]
async fn prefixes_need_no_table() {
    let Scene { old, new, .. } = scene();
    let rule = r#"
[[ownership]]
name     = "jobs"
create   = ["POST /api/jobs"]
id       = [".job_id"]
use      = ["/api/jobs/{id}", "/api/jobs/{id}/{rest...}"]
list     = "merge"
id_mode  = "prefix"
prefixes = { new = "v1~" }
"#;
    let house = Plan::new(file(&old, &new, 100.0, rule)).start().await;
    let mut client = house.client().await;
    let id = make(&mut client).await;
    assert!(id.starts_with("v1~n"), "{id}");
    house.save(&file(&old, &new, 0.0, rule)).await;
    let bare = make(&mut client).await;
    assert!(bare.starts_with('o'), "{bare}");
    // Another house without any state finds both.
    let other = Plan::new(file(&old, &new, 0.0, rule)).start().await;
    let mut client = other.client().await;
    for (id, side) in [(&id, "new"), (&bare, "old")] {
        let read = ask(&mut client, "GET", &format!("/api/jobs/{id}"), &Value::Null).await;
        assert_eq!((read.status, &json(&read)["side"]), (200, &json!(side)));
        assert_eq!(json(&read)["job_id"], json!(id));
    }
    let all = json(&ask(&mut client, "GET", "/api/jobs", &Value::Null).await);
    let ids: Vec<_> = all["jobs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["job_id"].clone())
        .collect();
    assert_eq!(ids, [json!(bare), json!(id)]);
    other.stop().await;
    house.stop().await;
}

#[tokio::test]
async fn a_merged_list_has_both_sides_or_says_that_it_cannot() {
    let Scene { old, new, .. } = scene();
    let rule = format!("{OWNERSHIP}list = \"merge\"\n");
    let house = Plan::new(file(&old, &new, 0.0, &rule)).start().await;
    let mut client = house.client().await;
    let first = make(&mut client).await;
    house.save(&file(&old, &new, 100.0, &rule)).await;
    let second = make(&mut client).await;
    let all = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    let jobs = json(&all)["jobs"].clone();
    let ids: Vec<_> = jobs
        .as_array()
        .unwrap()
        .iter()
        .map(|job| job["job_id"].clone())
        .collect();
    assert_eq!(ids, [json!(first), json!(second)], "{}", all.text());
    assert_eq!(
        json(&all)["more"],
        json!(false),
        "the rest is the primary's"
    );
    new.kill().await;
    let half = ask(&mut client, "GET", "/api/jobs", &Value::Null).await;
    assert_eq!(
        (half.status, half.reason()),
        (503, Some("owner")),
        "{}",
        half.text()
    );
    house.at_rest().await;
    house.stop().await;
}

#[tokio::test]
async fn a_process_that_is_killed_has_written_down_what_it_knew() {
    let Scene { old, new, .. } = scene();
    let house = Plan::new(file(&old, &new, 100.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    let id = make(&mut client).await;
    let owners = house.app.publisher.current().owners.clone();
    eventually("it is on disk", || owners.health().behind == 0).await;
    assert!(owners.health().on_disk);
    // As after a kill: the file as it is now, in another folder.
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("state");
    std::fs::create_dir_all(&state).unwrap();
    std::fs::copy(
        house.folder.path().join("state/owners.redb"),
        state.join("owners.redb"),
    )
    .unwrap();
    let other = Plan::new(file(&old, &new, 0.0, OWNERSHIP))
        .start_in(folder)
        .await
        .unwrap();
    let before = old.count();
    let mut client = other.client().await;
    let read = ask(&mut client, "GET", &format!("/api/jobs/{id}"), &Value::Null).await;
    assert_eq!((read.status, old.count()), (200, before));
    other.stop().await;
    house.stop().await;
}

#[tokio::test]
async fn a_successor_knows_what_its_predecessor_learns_to_the_end() {
    let Scene { old, new, .. } = scene();
    let house = Plan::new(file(&old, &new, 100.0, OWNERSHIP)).start().await;
    let mut client = house.client().await;
    let id = make(&mut client).await;
    // One more is on its way while the place is taken.
    let gate = Gate::default();
    let held = gate.clone();
    new.set(move |_| {
        let late = status("201 Created", &[], br#"{"id":"late","status":"queued"}"#);
        vec![Do::Await(held.clone()), late]
    });
    let before = new.count();
    let late = tokio::spawn(async move {
        let body = json!({"input": {"text": "x"}});
        ask(&mut client, "POST", "/api/jobs", &body).await
    });
    eventually("it is at the backend", || new.count() > before).await;
    let successor = figshift::app::App::take_over(&house.path, None)
        .await
        .unwrap();
    gate.open();
    let late = late.await.unwrap();
    assert_eq!((late.status, &json(&late)["job_id"]), (200, &json!("late")));
    let owners = successor.publisher.current().owners.clone();
    for id in [id.as_str(), "late"] {
        eventually("the successor knows it", || {
            let owned = owners.find("jobs", id.as_bytes(), now());
            owned.is_some_and(|owned| &*owned.backend == "new")
        })
        .await;
    }
    house.stop().await;
    successor.stop().await;
}
