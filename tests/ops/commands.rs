//! The commands as an operator types them: what they print, and with which code they end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::desk::TOKEN;
use super::served::{Served, bare};
use crate::support::load::Load;

pub(crate) fn has(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[tokio::test]
async fn status_tells_what_is_in_force_and_why() {
    let served = Served::start("").await;
    let said = served.command(&["status"]).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    has(
        &said.out,
        &[
            "ok, shifting, epoch 1\n",
            "file: in force since 2",
            "route all to new: 25 % ← file 25 %\n",
        ],
    );
    let rows: Vec<Vec<&str>> = said
        .out
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert!(
        rows.contains(&vec![
            "all", "primary", "old", "75", "%", "0", "-", "-", "-", "closed"
        ]),
        "{said:?}"
    );
    assert!(rows.contains(&vec![
        "all",
        "candidate",
        "new",
        "25",
        "%",
        "0",
        "-",
        "-",
        "-",
        "closed"
    ]));

    assert_eq!(
        served
            .command(&["rollback", "all", "--reason", "too slow"])
            .await
            .code,
        0
    );
    let said = served.command(&["status"]).await;
    assert_eq!(said.code, 1);
    has(
        &said.out,
        &[
            "degraded, rolled back",
            "0 % ← rollback of this route by operator: too slow ← file 25 %",
            "all 25 % → 0 %",
        ],
    );
    let said = served.command(&["status", "--json"]).await;
    let state = said.json();
    assert_eq!((said.code, &state["phase"]), (1, &"rolled_back".into()));
    assert_eq!(state["routes"][0]["chain"][0]["what"], "route_rollback");
    assert_eq!(state["journal"][0]["reason"], "too slow");
    let said = served.command(&["events"]).await;
    assert_eq!(said.code, 0);
    has(&said.out, &["WHEN", "operator  rollback  all", "too slow"]);
    assert_eq!(served.command(&["resume", "all"]).await.code, 0);
    assert_eq!(
        served
            .command(&["events", "--tail", "1", "--json"])
            .await
            .json()["entries"][0]["what"],
        "resume"
    );
}

#[tokio::test]
async fn shift_edits_the_file_and_keeps_the_rest_of_it() {
    let served = Served::start("").await;
    let before = served.text();
    for (given, written, told) in [
        ("50", "50", "25 % → 50 %"),
        ("0.25%", "0.25", "50 % → 0.25 %"),
        ("100", "100", "0.25 % → 100 %"),
    ] {
        let said = served.command(&["shift", "all", given]).await;
        assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
        assert_eq!(
            said.out,
            format!("route all: {told}\n  all: {written} % ← file {written} %\n")
        );
        let edited = before.replace(
            "percent =  25 # start",
            &format!("percent =  {written} # start"),
        );
        assert_eq!(served.text(), edited);
    }
    let said = served.command(&["shift", "all", "100", "--json"]).await;
    assert_eq!(said.code, 0);
    let json = said.json();
    assert_eq!(
        (json["moves"].as_array().unwrap().len(), &json["persisted"]),
        (0, &true.into())
    );
}

#[tokio::test]
async fn shift_goes_around_a_file_that_it_cannot_edit() {
    let served = Served::start("").await;
    let before = served.text();
    fs::set_permissions(&served.file, fs::Permissions::from_mode(0o444)).unwrap();
    let said = served
        .command(&["shift", "all", "40", "--reason", "day two"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    has(&said.err, &["not by the file", "read-only"]);
    has(
        &said.out,
        &[
            "25 % → 40 %",
            "40 % ← shift 40 % by operator: day two ← file 25 %",
        ],
    );
    assert_eq!(served.text(), before);
    // The port was named and the file was not: it may be another house's.
    let args = ["shift", "all", "41", "--admin", &served.admin().to_string()].map(str::to_owned);
    fs::set_permissions(&served.file, fs::Permissions::from_mode(0o644)).unwrap();
    let said = bare(&args, served.folder.path(), &[]).await;
    assert_eq!((said.code, served.text()), (0, before.clone()), "{said:?}");
    // A percent that is the file's own takes the older one away.
    let said = served.command(&["shift", "all", "25"]).await;
    has(&said.out, &["41 % → 25 %", "25 % ← file 25 %"]);
    assert_eq!(served.text(), before);
}

#[tokio::test]
async fn shift_refuses_what_makes_no_sense() {
    let served = Served::start("").await;
    let before = served.text();
    for percent in ["101", "-1", "abc", "nan", "12.345", "1e1", "", "25 %"] {
        assert_eq!(
            served.command(&["shift", "all", "--", percent]).await.code,
            2,
            "{percent}"
        );
        assert_eq!(
            served.command(&["shift", "all", percent]).await.code,
            2,
            "{percent}"
        );
    }
    let said = served.command(&["shift", "nowhere", "5"]).await;
    assert_eq!(said.code, 2);
    has(&said.err, &["no route `nowhere`", "there are: all"]);
    let said = served
        .command(&["shift", "all", "5", "--if-epoch", "99"])
        .await;
    assert_eq!(said.code, 1);
    has(&said.err, &["epoch 1 is in force"]);
    assert_eq!(served.command(&["rollback"]).await.code, 0);
    let said = served.command(&["shift", "all", "5"]).await;
    assert_eq!(said.code, 1);
    has(
        &said.err,
        &["held back: 0 % ← rollback by operator", "figshift resume"],
    );
    assert_eq!(served.text(), before);
}

#[tokio::test]
async fn rollback_under_load_is_verified() {
    let served = Served::start("").await;
    let load = Load::start(served.http(), 4, 3);
    crate::support::eventually("both sides are in use", || load.so_far().all() > 100).await;
    let said = served
        .command(&["rollback", "--json", "--reason", "test"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let json = said.json();
    assert_eq!(
        (&json["verified"], &json["by"]),
        (&true.into(), &"admin".into())
    );
    let route = &json["routes"][0];
    assert_eq!(
        (
            &route["before"],
            &route["percent_in_force"],
            &route["new_tries"]
        ),
        (&25.0.into(), &0.0.into(), &0.0.into())
    );
    let tally = load.stop().await;
    assert!(tally.cut.is_empty(), "{tally:?}");
    assert!(
        tally.answers.keys().all(|key| key.contains(" 200 ")),
        "{tally:?}"
    );
    let said = served.command(&["rollback"]).await;
    assert_eq!(said.code, 0);
    has(
        &said.out,
        &[
            "ROUTE",
            "verified\n",
            "0 % ← rollback by operator ← file 25 %",
        ],
    );
}

#[tokio::test]
async fn the_token_comes_by_flag_environment_or_file() {
    let served = Served::start(&format!("admin.token = {TOKEN:?}\n")).await;
    assert_eq!(served.command(&["status"]).await.code, 0, "from the file");
    let admin = served.admin().to_string();
    let status = ["status", "--admin", &admin].map(str::to_owned);
    let elsewhere = tempfile::tempdir().unwrap();
    let said = bare(&status, elsewhere.path(), &[]).await;
    assert_eq!(said.code, 2, "{said:?}");
    has(&said.err, &["--token or FIGSHIFT_TOKEN"]);
    let said = bare(&status, elsewhere.path(), &[("FIGSHIFT_TOKEN", TOKEN)]).await;
    assert_eq!(said.code, 0);
    let said = bare(
        &["status".to_owned()],
        elsewhere.path(),
        &[("FIGSHIFT_TOKEN", TOKEN), ("FIGSHIFT_ADMIN", &admin)],
    )
    .await;
    assert_eq!(said.code, 0);
    let wrong = [
        &status[..],
        &[
            "--token".to_owned(),
            "wrong-horse-battery-staple".to_owned(),
        ],
    ]
    .concat();
    let said = bare(&wrong, elsewhere.path(), &[("FIGSHIFT_TOKEN", TOKEN)]).await;
    assert_eq!(said.code, 2);
    assert!(!format!("{said:?}").contains("wrong-horse"), "{said:?}");
    // The port of the file, when nobody says another one.
    let text = served
        .text()
        .replace("admin = \"127.0.0.1:0\"", &format!("admin = \"{admin}\""));
    let copy = elsewhere.path().join("figshift.toml");
    fs::write(&copy, text).unwrap();
    assert_eq!(
        bare(&["status".to_owned()], elsewhere.path(), &[])
            .await
            .code,
        0
    );
}

#[tokio::test]
async fn completions_and_help_teach() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let said = bare(
            &["completions".to_owned(), shell.to_owned()],
            folder.path(),
            &[],
        )
        .await;
        assert_eq!(said.code, 0);
        has(
            &said.out,
            &[
                "rollback",
                "shift",
                "completions",
                "ramp",
                "promote",
                "force",
            ],
        );
    }
    assert_eq!(
        bare(
            &["completions".to_owned(), "dos".to_owned()],
            folder.path(),
            &[]
        )
        .await
        .code,
        2
    );
    for command in [
        "status",
        "shift",
        "rollback",
        "resume",
        "ramp",
        "events",
        "completions",
    ] {
        let said = bare(
            &[command.to_owned(), "--help".to_owned()],
            folder.path(),
            &[],
        )
        .await;
        assert_eq!(said.code, 0);
        has(&said.out, &["Example", &format!(":\n  figshift {command}")]);
    }
}
