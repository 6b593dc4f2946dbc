//! Whether a backend may be stopped, by commands against a served house.

use std::fs;
use std::time::Duration;

use figshift::outbound::near;
use figshift::owners::{Owners, Settings};
use rustix::process::Signal;
use serde_json::json;

use super::commands::has;
use super::served::{Said, Served};
use crate::support::soon;

const RULES: &str = "[[ownership]]\nname = \"jobs\"\ncreate = [\"POST /jobs\"]\nuse = [\"/jobs/{id}\"]\nttl = \"1h\"\n";

/// A table that began in 1970, and has learned by rule `jobs` since, so that nothing can be missing from it.
pub(crate) fn old_table(served: &Served) {
    fs::create_dir_all(served.state_dir()).unwrap();
    let settings = Settings {
        folder: Some(served.state_dir()),
        capacity: 1_000,
        wait: Duration::ZERO,
    };
    let (owners, opened) = Owners::open(settings, 1);
    assert!(opened.memory_only.is_none(), "{opened:?}");
    owners.follows(&["jobs"], 1);
    assert!(owners.flush());
    drop(owners);
}

async fn metrics(served: &Served) -> String {
    let url = format!("http://{}/metrics", served.admin());
    let answer = near().build().unwrap().get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

/// Writes another file and waits until it is in force.
async fn reload(served: &Served, text: &str) {
    let before = served.state().await.epoch;
    fs::write(&served.file, text).unwrap();
    served.signal(Signal::HUP);
    soon("the file is in force", async {
        while served.state().await.epoch == before {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Writes lines for an import and imports them.
async fn import(served: &Served, lines: &[String]) -> Said {
    let file = served.folder.path().join("owners.ndjson");
    fs::write(&file, lines.join("\n")).unwrap();
    let file = file.display().to_string();
    served.command(&["owner", "import", &file]).await
}

fn line(id: &str, backend: &str) -> String {
    json!({ "rule": "jobs", "id": id, "backend": backend }).to_string()
}

#[tokio::test]
async fn a_backend_is_safe_to_stop_when_its_last_job_is_gone() {
    let mut served = Served::on_disk(RULES);
    old_table(&served);
    served.run(&[]).await;
    let status = async |name: &str| served.command(&["drain", "status", name]).await;

    let said = status("new").await;
    assert_eq!((said.code, &*said.err), (1, ""), "{said:?}");
    has(
        &said.out,
        &[
            "new      serving  no",
            "route `all` gives it 25 % of its new requests",
        ],
    );
    assert_eq!(served.command(&["shift", "all", "0"]).await.code, 0);
    let said = status("new").await;
    assert_eq!(
        (said.code, said.out.contains("new      drained  yes")),
        (0, true),
        "{said:?}"
    );

    let mut moved = json!({ "rule": "jobs", "id": "a/2", "backend": "new" });
    moved["as"] = json!("n2");
    let said = import(&served, &[line("1", "new"), moved.to_string()]).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    assert_eq!(
        said.out,
        "2 learned, 0 known before, 0 moved, 0 not taken\n"
    );
    let said = status("new").await;
    assert_eq!(said.code, 1, "{said:?}");
    has(
        &said.out,
        &[
            "new      draining  no               2     0  20",
            "2 of rule `jobs` are live there",
        ],
    );
    let said = served.command(&["drain", "status", "--json"]).await;
    let all = said.json();
    assert_eq!((said.code, &all["rules"]), (0, &json!(["jobs"])));
    assert_eq!(all["backends"][0]["live"], 2);
    assert_eq!(all["backends"][1]["state"], "serving");
    assert_eq!(all["table"]["on_disk"], true);
    let text = metrics(&served).await;
    has(
        &text,
        &[
            "figshift_ownership_entries{rule=\"jobs\",backend=\"new\",state=\"live\"} 2\n",
            "figshift_ownership_entries{rule=\"jobs\",backend=\"old\",state=\"live\"} 0\n",
            "figshift_drain_state{backend=\"new\",state=\"draining\"} 1\n",
            "figshift_drain_state{backend=\"new\",state=\"drained\"} 0\n",
            "figshift_owners_entries 2\n",
            "figshift_owners_on_disk 1\n",
        ],
    );
    let said = served.command(&["status"]).await;
    has(
        &said.out,
        &["ownership of jobs: new 2 live (draining), old 0 live (serving)\n"],
    );
    let said = served.command(&["status", "--json"]).await;
    assert_eq!(said.json()["drain"]["backends"][0]["state"], "draining");

    let said = served.command(&["owner", "show", "jobs", "a/2"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    has(
        &said.out,
        &[
            "a/2 of rule jobs: new, where it is n2, learned 20",
            ", live\n",
        ],
    );
    let said = served.command(&["owner", "list", "new"]).await;
    assert_eq!(said.code, 0);
    has(
        &said.out,
        &["RULE", "jobs  1    -   20", "jobs  a/2  n2  20", "import\n"],
    );
    for id in ["1", "a/2"] {
        let forgotten = served.command(&["owner", "forget", "jobs", id]).await;
        assert_eq!(forgotten.code, 0, "{forgotten:?}");
        let again = served.command(&["owner", "forget", "jobs", id]).await;
        assert_eq!(again.code, 1, "{again:?}");
    }
    assert_eq!(
        served.command(&["owner", "show", "jobs", "1"]).await.code,
        1
    );
    assert_eq!(status("new").await.code, 0);
    // All is given to the candidate, and what falls back still comes.
    assert_eq!(served.command(&["shift", "all", "100"]).await.code, 0);
    let said = status("old").await;
    assert_eq!(said.code, 1, "{said:?}");
    has(
        &said.out,
        &[
            "old      drained  no",
            "it is the primary of route `all`, which takes what falls back",
        ],
    );
}

#[tokio::test]
async fn what_is_not_known_is_not_drained() {
    let mut served = Served::on_disk(RULES);
    let said = served.command(&["drain", "status", "new"]).await;
    assert_eq!((said.code, &*said.out), (4, ""), "{said:?}");
    has(&said.err, &["the state of new is unknown, and not drained"]);

    served.run(&[]).await;
    assert_eq!(served.command(&["shift", "all", "0"]).await.code, 0);
    // The table has only just begun.
    let said = served.command(&["drain", "status", "new"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(
        &said.out,
        &[
            "new      unknown  unknown",
            "before the table of owners began",
        ],
    );
    has(
        &metrics(&served).await,
        &["figshift_drain_state{backend=\"new\",state=\"unknown\"} 1\n"],
    );
    let said = served.command(&["drain", "status", "nope"]).await;
    assert_eq!(said.code, 2);
    has(&said.err, &["there are: new, old"]);
}

#[tokio::test]
async fn a_rule_that_is_added_to_an_old_table_makes_it_unknown() {
    const CLIPS: &str = "[[ownership]]\nname = \"clips\"\ncreate = [\"POST /clips\"]\nuse = [\"/clips/{id}\"]\nttl = \"1h\"\n";
    const SENTENCE: &str =
        "what is rule `clips`'s and was made before the table of owners began to learn by it";
    let mut served = Served::on_disk(RULES);
    old_table(&served);
    served.run(&[]).await;
    assert_eq!(served.command(&["shift", "all", "0"]).await.code, 0);
    let status = async |served: &Served| served.command(&["drain", "status", "new"]).await;
    assert_eq!(status(&served).await.code, 0);

    let plain = served.text();
    let more = plain.replace(RULES, &format!("{RULES}{CLIPS}"));
    reload(&served, &more).await;
    let said = status(&served).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.out, &["new      unknown  unknown", SENTENCE]);
    // It is only that rule, and a restart knows it as well.
    assert!(!said.out.contains("`jobs`"), "{said:?}");
    served.kill();
    served.run(&[]).await;
    let said = status(&served).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.out, &[SENTENCE]);
    assert!(!said.out.contains("`jobs`"), "{said:?}");
    reload(&served, &plain).await;
    assert_eq!(status(&served).await.code, 0);
}

#[tokio::test]
async fn a_rule_that_was_out_while_it_served_begins_anew() {
    let mut served = Served::on_disk(RULES);
    old_table(&served);
    served.run(&[]).await;
    assert_eq!(served.command(&["shift", "all", "0"]).await.code, 0);
    let status = async |served: &Served| served.command(&["drain", "status", "new"]).await.code;
    assert_eq!(status(&served).await, 0);
    // Started without any rule, the table has to hear of it all the same.
    served.kill();
    let text = served.text();
    fs::write(&served.file, text.replace(RULES, "")).unwrap();
    served.run(&[]).await;
    served.signal(Signal::TERM);
    served.wait().await;
    fs::write(&served.file, &text).unwrap();
    served.run(&[]).await;
    assert_eq!(status(&served).await, 3);
}

#[tokio::test]
async fn an_import_tells_the_lines_that_it_leaves_out() {
    let served = Served::start(RULES).await;
    let said = import(
        &served,
        &[
            line("1", "new"),
            String::new(),
            "{ \"rule\": \"jobs\" }".to_owned(),
            line("1", "old"),
            line("4", "nope"),
            "no JSON".to_owned(),
        ],
    )
    .await;
    assert_eq!(said.code, 3, "{said:?}");
    assert_eq!(
        said.out,
        "1 learned, 0 known before, 1 moved, 3 not taken\n"
    );
    has(
        &said.err,
        &[
            "owners.ndjson:3: missing field `id`",
            "owners.ndjson:5: there is no backend `nope`",
            "owners.ndjson:6: expected",
        ],
    );
    // More than one request takes.
    let many: Vec<_> = (0..1_200).map(|n| line(&format!("m{n}"), "new")).collect();
    let said = import(&served, &many).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    assert_eq!(
        said.out,
        "1200 learned, 0 known before, 0 moved, 0 not taken\n"
    );
    let listed = served
        .command(&["owner", "list", "new", "--json"])
        .await
        .json();
    assert_eq!(
        (&listed["live"], &listed["truncated"]),
        (&json!(1_200), &json!(false))
    );
    let said = served.command(&["owner", "import", "/nowhere"]).await;
    assert_eq!((said.code, &*said.out), (2, ""), "{said:?}");
    let said = served.command(&["owner", "show", "nope", "1"]).await;
    assert_eq!(said.code, 2);
    has(&said.err, &["there is no rule `nope`; there are: jobs"]);
}

#[tokio::test]
async fn without_a_rule_that_is_said() {
    let served = Served::start("").await;
    assert_eq!(served.command(&["shift", "all", "0"]).await.code, 0);
    let said = served.command(&["drain", "status", "new"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    has(
        &said.out,
        &["no [[ownership]] rule: jobs that it has would not be known"],
    );
    assert!(!metrics(&served).await.contains("drain_state"));
    let said = served.command(&["status"]).await;
    assert!(!said.out.contains("ownership"), "{said:?}");
    let said = served.command(&["owner", "list", "nope"]).await;
    assert_eq!(said.code, 2);
}
