//! Which side may be stopped, asked through a whole migration with real jobs, and with a side that cannot be reached.

use std::fs;
use std::sync::Arc;

use super::commands::has;
use super::drain::old_table;
use super::jobs::{Counts, answer};
use super::served::{Said, Served};
use crate::support::client::Client;
use crate::support::eventually;
use crate::support::origin::{Origin, Seen, status};

fn service(letter: char) -> Origin {
    let counts = Arc::new(Counts::default());
    Origin::new(move |seen: &Seen| {
        if seen.target() == "/health" {
            return vec![status("200 OK", &[], b"")];
        }
        let (line, body) = answer(&seen.head.first, letter, &counts);
        let headers = ["content-type: application/json"];
        vec![status(line, &headers, body.as_bytes())]
    })
}

fn file(served: &Served, old: &Origin, new: &Origin) -> String {
    let health = "health = { path = \"/health\", interval = \"100ms\", timeout = \"100ms\", unhealthy = 1, healthy = 1 }";
    format!(
        "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nworkers = 2\n[log]\nformat = \"json\"\n\
         [backends.old]\nendpoints = [\"{}\"]\n{health}\n[backends.new]\nendpoints = [\"{}\"]\n{health}\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = 0\n\
         [[ownership]]\nname = \"jobs\"\ncreate = [\"POST /jobs\"]\nuse = [\"/jobs/{{id}}\", \"/jobs/{{id}}/cancel\"]\n\
         done = '.state == \"POST\"'\n",
        served.state_dir(),
        old.url(),
        new.url(),
    )
}

async fn ask(served: &Served, method: &str, target: &str) -> serde_json::Value {
    let mut client = Client::new(served.http()).await;
    let answer = client.request(method, target, &[], b"").await.unwrap();
    assert!(answer.status < 300, "{target}: {}", answer.text());
    serde_json::from_slice(&answer.body).unwrap()
}

async fn make(served: &Served, jobs: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for _ in 0..jobs {
        let made = ask(served, "POST", "/jobs").await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn finish(served: &Served, ids: &[String]) {
    for id in ids {
        ask(served, "POST", &format!("/jobs/{id}/cancel")).await;
    }
}

async fn drain(served: &Served, backend: &str) -> Said {
    served.command(&["drain", "status", backend]).await
}

async fn shift(served: &Served, percent: &str) {
    let said = served.command(&["shift", "all", percent]).await;
    assert_eq!(said.code, 0, "{said:?}");
}

#[tokio::test]
async fn drain_status_is_right_through_a_whole_migration() {
    let (old, new) = (service('o'), service('n'));
    let mut served = Served::on_disk("");
    fs::write(&served.file, file(&served, &old, &new)).unwrap();
    old_table(&served);
    served.run(&[]).await;
    // The legacy serves; the candidate has nothing yet.
    let legacy = make(&served, 3).await;
    let said = drain(&served, "old").await;
    assert_eq!(said.code, 1, "{said:?}");
    has(&said.out, &["old      serving  no"]);
    let said = drain(&served, "new").await;
    assert_eq!(said.code, 0, "{said:?}");
    has(&said.out, &["new      drained  yes"]);
    // All goes to the new side, and the legacy finishes what it has.
    shift(&served, "100").await;
    let moved = make(&served, 2).await;
    assert!(moved.iter().all(|id| id.starts_with('n')), "{moved:?}");
    has(&drain(&served, "new").await.out, &["new      serving  no"]);
    let said = drain(&served, "old").await;
    has(
        &said.out,
        &["old      draining  no", "3 of rule `jobs` are live there"],
    );
    finish(&served, &legacy).await;
    let said = drain(&served, "old").await;
    assert_eq!(said.code, 1, "it takes what falls back: {said:?}");
    has(&said.out, &["old      drained  no"]);
    // Back again: the new side still has two.
    shift(&served, "0").await;
    let said = drain(&served, "new").await;
    assert_eq!(said.code, 1);
    has(
        &said.out,
        &["new      draining  no", "2 of rule `jobs` are live there"],
    );
    // It cannot be reached: that makes nothing safe.
    new.kill().await;
    let mut said = drain(&served, "new").await;
    for _ in 0..100 {
        if said.out.contains("none of its endpoints answers") {
            break;
        }
        said = drain(&served, "new").await;
    }
    assert_eq!(said.code, 1);
    has(
        &said.out,
        &[
            "new      draining  no",
            "none of its endpoints answers",
            "2 of rule `jobs` are live there",
        ],
    );
    new.revive();
    let accepted = new.accepted();
    eventually("it is asked again", || new.accepted() > accepted).await;
    finish(&served, &moved).await;
    let said = drain(&served, "new").await;
    assert_eq!(said.code, 0, "{said:?}");
    has(&said.out, &["new      drained  yes"]);
    // Figshift itself cannot be reached: that is not known, and says so.
    served.kill();
    let said = drain(&served, "new").await;
    assert_eq!(said.code, 4, "{said:?}");
    assert!(!said.out.contains("drained  yes"), "{said:?}");
    // A table that is gone knows nothing of what was made before.
    fs::remove_file(served.state_dir().join("owners.redb")).unwrap();
    served.run(&[]).await;
    let said = drain(&served, "new").await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.out, &["new      unknown  unknown"]);
}
