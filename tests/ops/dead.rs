//! When nobody answers, or the process was started without the candidate.

use std::fs;

use figshift::control::kill_path;
use rustix::process::Signal;

use super::commands::has;
use super::served::{Served, bare};

#[tokio::test]
async fn a_dead_house_is_helped_by_its_files() {
    let mut served = Served::start("").await;
    assert_eq!(
        served
            .command(&["rollback", "--reason", "first"])
            .await
            .code,
        0
    );
    assert_eq!(served.command(&["resume"]).await.code, 0);
    served.kill();
    let said = served.command(&["status"]).await;
    assert_eq!(said.code, 4);
    has(
        &said.out,
        &[
            "no answer from the admin port",
            "all to new: 25 % ← file 25 %",
            "Only the process knows whether it has VASTAI_ENABLED=false",
        ],
    );
    let said = served.command(&["events"]).await;
    assert_eq!(said.code, 0);
    has(&said.out, &["first", "resume"]);
    let said = served.command(&["shift", "all", "30"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(served.text().contains("percent =  30 # start with 1"));
    assert_eq!(served.command(&["resume"]).await.code, 4);

    let said = served.command(&["rollback", "all"]).await;
    assert_eq!(said.code, 3);
    has(&said.err, &["no answer", "KILL", "all routes"]);
    assert!(!said.err.contains("--hard"), "{said:?}");
    assert!(kill_path(&served.state_dir()).exists());
    let said = served.command(&["rollback", "--hard"]).await;
    assert_eq!(said.code, 3);
    has(&said.err, &["cannot cut what runs", "--hard"]);
    assert_eq!(served.command(&["shift", "all", "31"]).await.code, 1);
    let said = served.command(&["status", "--json"]).await;
    assert_eq!((said.code, &said.json()["kill_file"]), (4, &true.into()));
    assert!(said.json()["vastai_enabled"].is_null());
    assert_eq!(
        said.json()["routes"][0]["why"],
        "0 % ← KILL file by kill_file ← file 30 %"
    );
    served.run(&[]).await;
    assert_eq!(served.state().await.routes[0].percent_in_force, 0.0);
    assert_eq!(served.command(&["resume"]).await.code, 0);
    assert!(!kill_path(&served.state_dir()).exists());
}

/// The file is broken as well, and still tells where the state folder is.
#[tokio::test]
async fn a_port_that_hangs_is_as_good_as_dead() {
    let served = Served::start("").await;
    fs::write(&served.file, served.text() + "[[[ broken").unwrap();
    served.signal(Signal::STOP);
    let said = served.command(&["rollback"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    served.signal(Signal::CONT);
    let said = served.command(&["rollback"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    has(&said.out, &["KILL file"]);
}

/// Traffic is back, and a restart would give it away again: that is half of what was asked for.
#[tokio::test]
async fn what_is_not_in_the_journal_is_partial() {
    let mut served = Served::on_disk("");
    // No journal can be opened there.
    fs::create_dir_all(served.state_dir().join("journal.ndjson")).unwrap();
    served.run(&[]).await;
    let warning = "a restart would undo it";
    // Lowered over the file, which is not this house's as far as the command knows.
    let admin = served.admin().to_string();
    let lower = ["shift", "all", "5", "--admin", &admin].map(str::to_owned);
    let said = bare(&lower, served.folder.path(), &[]).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.err, &[warning]);
    let said = served.command(&["rollback"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.out, &["verified\n"]);
    has(&said.err, &[warning]);
    let said = served.command(&["rollback", "--json"]).await;
    let json = said.json();
    assert_eq!(
        (said.code, &json["verified"], &json["persisted"]),
        (3, &true.into(), &false.into())
    );
    // What gives traffic is refused.
    assert_eq!(served.command(&["resume"]).await.code, 4);
}

#[tokio::test]
async fn without_house_and_file_nothing_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    for args in [
        &["rollback"][..],
        &["resume"],
        &["status"],
        &["events"],
        &["shift", "all", "5"],
    ] {
        let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        args.extend(["--admin", "127.0.0.1:1"].map(str::to_owned));
        let said = bare(&args, folder.path(), &[]).await;
        assert_eq!(said.code, 4, "{said:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    // A relative state folder that is not here is that of somebody elsewhere.
    fs::write(
        folder.path().join("figshift.toml"),
        "[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:1\"\n",
    )
    .unwrap();
    let said = bare(&["rollback".to_owned()], folder.path(), &[]).await;
    assert_eq!(said.code, 4, "{said:?}");
    has(
        &said.err,
        &[
            "there is no state folder figshift-state here",
            "VASTAI_ENABLED=false",
        ],
    );
}

#[tokio::test]
async fn vastai_enabled_false_holds_as_long_as_the_process() {
    let mut served = Served::on_disk("");
    served.run(&[("VASTAI_ENABLED", "false")]).await;
    for _ in 0..20 {
        let mut client = crate::support::client::Client::new(served.http()).await;
        assert_eq!(client.get("/").await.text(), "old");
    }
    let said = served.command(&["status"]).await;
    assert_eq!(said.code, 1);
    has(&said.out, &["0 % ← VASTAI_ENABLED=false ← file 25 %"]);
    assert_eq!(served.command(&["shift", "all", "50"]).await.code, 1);
    let said = served.command(&["resume"]).await;
    assert_eq!(said.code, 1);
    has(&said.err, &["VASTAI_ENABLED=false is in the environment"]);
    assert_eq!(served.command(&["rollback"]).await.code, 0);
    served.kill();
    served.run(&[("VASTAI_ENABLED", "true")]).await;
    let said = served.command(&["status"]).await;
    has(&said.out, &["0 % ← rollback by operator ← file 25 %"]);
}
