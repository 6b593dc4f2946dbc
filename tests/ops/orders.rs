//! Ramps and holds on the command line: orders, force, and what `status` tells of both.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use super::commands::has;
use super::guard::HASTY;
use super::served::{Said, Served};
use crate::support::load::Load;
use crate::support::origin::{ok, status};
use crate::support::soon;

const RAMP: &str = "ramp = { steps = [30, 50], min_step = \"1s\" }\n";

async fn start(lines: &str) -> Served {
    let mut served = Served::with_route("", lines);
    served.run(&[]).await;
    served
}

/// A house whose guard has taken the traffic back.
async fn held(lines: &str) -> Served {
    let served = start(&format!("{HASTY}{lines}")).await;
    let fail = |_: &_| vec![status("500 Internal Server Error", &[], b"no")];
    served.new.set(fail);
    let load = Load::start(served.http(), 2, 0);
    soon("the guard holds", async {
        while !served.state().await.routes[0].held {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
    load.stop().await;
    served.new.set(|_| vec![ok(b"new")]);
    served
}

/// The last entries of the journal, by who, what and why.
async fn journal(served: &Served, tail: usize) -> Vec<[String; 3]> {
    let said = served
        .command(&["events", "--json", "--tail", &tail.to_string()])
        .await;
    let entries = said.json()["entries"].as_array().unwrap().clone();
    let text = |entry: &serde_json::Value, key: &str| {
        let value = entry.get(key).and_then(|value| value.as_str());
        value.unwrap_or_default().to_owned()
    };
    entries
        .iter()
        .map(|entry| ["actor", "what", "reason"].map(|key| text(entry, key)))
        .collect()
}

fn is(said: &Said, code: i32) {
    assert_eq!(said.code, code, "{said:?}");
}

#[tokio::test]
async fn a_reason_is_kept_when_the_file_is_edited() {
    let served = start("").await;
    let said = served
        .command(&["shift", "all", "40", "--reason", "day two"])
        .await;
    is(&said, 0);
    assert_eq!(said.err, "");
    assert_eq!(
        said.out,
        "route all: 25 % → 40 %\n  all: 40 % ← file 40 %\n"
    );
    assert!(served.text().contains("percent =  40 # start with 1"));
    let entries = journal(&served, 2).await;
    assert_eq!(entries[0], ["operator", "shift", "day two"]);
    assert_eq!(entries[1][..2], ["file", "file"]);
    let state = served.state().await;
    // Two at once: the second one has not seen the first.
    let stale = (state.epoch - 1).to_string();
    let said = served
        .command(&["shift", "all", "60", "--if-epoch", &stale])
        .await;
    is(&said, 1);
    let fresh = state.epoch.to_string();
    let said = served
        .command(&["shift", "all", "60", "--if-epoch", &fresh])
        .await;
    is(&said, 0);
    assert!(served.text().contains("percent =  60 # start with 1"));
}

#[tokio::test]
async fn ramp_orders_are_obeyed_and_refused() {
    let served = start(RAMP).await;
    for order in ["pause", "resume", "promote"] {
        let said = served.command(&["ramp", order, "all"]).await;
        is(&said, 1);
        has(&said.err, &["the ramp is"]);
    }
    let said = served
        .command(&["ramp", "start", "all", "--reason", "day one"])
        .await;
    is(&said, 0);
    has(
        &said.out,
        &[
            "  all: 25 % ← ramp 25 % by operator: day one ← file 25 %\n",
            "  ramp: climbing at 25 %, next 30 %, waits for ",
        ],
    );
    let said = served.command(&["status"]).await;
    is(&said, 0);
    has(
        &said.out,
        &[
            "route all to new: 25 % ← ramp 25 % by operator: day one ← file 25 %\n",
            "  guard: watching errors and learning what is slow, evidence 1.0 of 100, 0 requests at this step\n",
            "  ramp: climbing at 25 %, next 30 %, waits for ",
            " more requests of the candidate",
        ],
    );
    is(&served.command(&["ramp", "start", "all"]).await, 1);
    let said = served.command(&["ramp", "promote", "all"]).await;
    is(&said, 0);
    has(
        &said.out,
        &[
            "route all: 25 % → 30 %\n",
            "  ramp: climbing at 30 %, next 50 %",
        ],
    );
    let said = served.command(&["ramp", "pause", "all", "--json"]).await;
    is(&said, 0);
    let json = said.json();
    assert_eq!(json["what"], "ramp_pause");
    assert_eq!(json["routes"][0]["ramp"]["state"], "paused");

    for (args, code) in [
        (&["ramp", "resume", "all", "--if-epoch", "99"][..], 1),
        (&["ramp", "resume", "nowhere"], 2),
        (&["ramp", "jump", "all"], 2),
        (&["ramp", "resume"], 2),
    ] {
        is(&served.command(args).await, code);
    }
    is(&served.command(&["ramp", "abort", "all"]).await, 0);
    let said = served.command(&["status"]).await;
    has(
        &said.out,
        &[
            "  guard: idle: the candidate has no share\n",
            "  ramp: aborted, next 30 %, waits for an operator (start)\n",
        ],
    );
    let said = served.command(&["resume", "all"]).await;
    is(&said, 0);
    has(&said.out, &["  all: its ramp begins again: climbing at "]);
    let said = served.command(&["rollback", "all"]).await;
    is(&said, 0);
    let said = served.command(&["ramp", "promote", "all"]).await;
    is(&said, 1);
    has(&said.err, &["a kill switch is on"]);
    let said = served.command(&["status"]).await;
    has(
        &said.out,
        &["waits for the kill switch to be lifted (resume)\n"],
    );

    let bare = start("").await;
    let said = bare.command(&["ramp", "start", "all"]).await;
    is(&said, 1);
    has(&said.err, &["has no ramp", "[routes.ramp]"]);
}

#[tokio::test]
async fn a_shift_ends_a_ramp_and_says_so() {
    let served = start(RAMP).await;
    is(&served.command(&["ramp", "start", "all"]).await, 0);
    let said = served.command(&["shift", "all", "10"]).await;
    is(&said, 0);
    has(&said.out, &["25 % → 10 %", "  its ramp has ended\n"]);
    let said = served.command(&["status"]).await;
    has(
        &said.out,
        &[
            "10 % ← file 10 %\n",
            "  ramp: not started at 10 %, next 30 %, waits for an operator (start)\n",
        ],
    );
}

#[tokio::test]
async fn what_the_guard_holds_is_told_and_given_by_force_only() {
    let served = held("").await;
    let before = served.text();
    let said = served.command(&["status"]).await;
    is(&said, 1);
    has(
        &said.out,
        &[
            "degraded, rolled back, ",
            "route all to new: 0 % ← guard hold 0 %: at 25 %: errors worse: ",
            "  guard: HELD: at 25 %: errors worse: ",
            " guard_hold  all    all 25 % → 0 %",
        ],
    );
    let json = served.command(&["status", "--json"]).await.json();
    assert_eq!(json["routes"][0]["guard"]["state"], "held");
    let said = served.command(&["shift", "all", "10"]).await;
    is(&said, 1);
    has(
        &said.err,
        &[
            "the guard holds route all back",
            "figshift resume all",
            "--force",
        ],
    );
    assert_eq!(served.text(), before);

    let said = served
        .command(&["shift", "all", "10", "--force", "--reason", "mended"])
        .await;
    is(&said, 0);
    assert_eq!(said.out, "route all: 0 % → 10 %\n  all: 10 % ← file 10 %\n");
    assert!(served.text().contains("percent =  10 # start with 1"));
    // The old share never was in force.
    let said = served.command(&["events", "--json"]).await.json();
    let entries = said["entries"].as_array().unwrap();
    let moves = entries
        .iter()
        .flat_map(|entry| entry["moves"].as_array().unwrap());
    let to: Vec<f64> = moves.map(|moved| moved["to"].as_f64().unwrap()).collect();
    assert_eq!(to, [0.0, 10.0]);
    assert!(
        journal(&served, 2)
            .await
            .contains(&["operator", "shift", "mended"].map(str::to_owned))
    );
    is(&served.command(&["status"]).await, 0);
}

#[tokio::test]
async fn force_works_around_the_file_and_stops_at_a_kill_switch() {
    let mut served = held("").await;
    fs::set_permissions(&served.file, fs::Permissions::from_mode(0o444)).unwrap();
    let said = served.command(&["shift", "all", "25", "--force"]).await;
    is(&said, 0);
    has(&said.err, &["read-only"]);
    has(
        &said.out,
        &["route all: 0 % → 25 %\n", "25 % ← file 25 %\n"],
    );
    fs::set_permissions(&served.file, fs::Permissions::from_mode(0o644)).unwrap();
    let before = served.text();
    is(&served.command(&["rollback", "all"]).await, 0);
    let said = served.command(&["shift", "all", "30", "--force"]).await;
    is(&said, 1);
    has(&said.err, &["held back: 0 % ← rollback"]);
    served.kill();
    is(&served.command(&["shift", "all", "30", "--force"]).await, 1);
    assert_eq!(served.text(), before);
}

#[tokio::test]
async fn nobody_overrules_the_guard_while_nobody_is_there() {
    let mut served = held("").await;
    served.kill();
    let before = served.text();
    for args in [
        &["shift", "all", "30"][..],
        &["shift", "all", "30", "--force"],
    ] {
        let said = served.command(args).await;
        is(&said, 1);
        has(
            &said.err,
            &["the guard holds route all back", "running figshift"],
        );
    }
    assert_eq!(served.text(), before);
    let said = served.command(&["status", "--json"]).await;
    is(&said, 4);
    let json = said.json();
    assert_eq!(json["routes"][0]["held"], true);
    assert_eq!(json["routes"][0]["killed"], false);
    is(&served.command(&["ramp", "start", "all"]).await, 4);
    served.run(&[]).await;
    let said = served.command(&["resume", "all"]).await;
    is(&said, 0);
    has(&said.out, &["route all: 0 % → 25 %\n"]);
}

#[tokio::test]
async fn a_share_that_no_journal_takes_stands_in_the_file() {
    let mut served = Served::with_route("", "");
    fs::write(served.state_dir(), "no folder").unwrap();
    served.run(&[]).await;
    let said = served
        .command(&["shift", "all", "40", "--reason", "day two"])
        .await;
    is(&said, 0);
    has(&said.out, &["25 % → 40 %", "40 % ← file 40 %"]);
    assert!(served.text().contains("percent =  40 # start with 1"));
    fs::set_permissions(&served.file, fs::Permissions::from_mode(0o444)).unwrap();
    let said = served.command(&["shift", "all", "50"]).await;
    is(&said, 4);
    has(&said.err, &["cannot be written to the journal"]);
    assert_eq!(served.state().await.routes[0].percent_in_force, 40.0);
}

/// Where a flag decides, the file is not heard, so a share in it would move nothing.
#[tokio::test]
async fn a_shift_beside_a_flag_leaves_the_file_alone() {
    let mut served = Served::with_route("", "flag = { url = \"http://127.0.0.1:1\", key = \"k\" }");
    fs::create_dir_all(served.state_dir()).unwrap();
    let last = "{\"seq\":1,\"epoch\":1,\"at\":1500,\"actor\":\"flag\",\"what\":\"flag\",\"route\":\"all\",\
                \"overrides\":{\"routes\":{\"all\":{\"flagged\":\
                {\"hundredths\":4000,\"at\":1500,\"actor\":\"flag\"}}}}}\n";
    let journal = figshift::control::journal_path(&served.state_dir());
    fs::write(journal, last).unwrap();
    served.run(&[]).await;
    let before = served.text();
    let route = served.state().await.routes.remove(0);
    assert_eq!(route.chain[0].at.as_deref(), Some("1970-01-01T00:00:01Z"));
    assert_eq!(route.chain[0].what, "flag");
    let said = served.command(&["shift", "all", "50"]).await;
    is(&said, 0);
    has(&said.err, &["a feature flag sets the percent"]);
    has(
        &said.out,
        &[
            "40 % → 50 %",
            "50 % ← shift 50 % by operator ← flag 40 % ← file 25 %",
        ],
    );
    assert_eq!(served.text(), before);
}
