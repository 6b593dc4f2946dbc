//! `figshift rollback --hard`, as an operator types it.

use std::fs;

use crate::commands::has;
use crate::desk::Desk;
use crate::served::{Said, Served, bare};
use crate::support::client::{Client, request};
use crate::support::origin::{Do, Origin, ok, raw, status};

#[tokio::test]
async fn it_ends_what_a_soft_one_lets_run() {
    let served = Served::start("").await;
    served.new.set(|_| {
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n";
        vec![raw(head), Do::Stall]
    });
    assert_eq!(served.command(&["shift", "all", "100"]).await.code, 0);
    let mut client = Client::new(served.http()).await;
    client.send(request("GET", "/", &[], b"")).await;
    client.read_head().await;
    client.read_exactly(10).await;

    let said = served.command(&["rollback", "--json"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let json = said.json();
    assert_eq!(
        (&json["hard"], &json["routes"][0]["in_flight"]),
        (&false.into(), &1.0.into())
    );
    let said = served.command(&["rollback", "all", "--hard"]).await;
    assert_eq!((said.code, &*said.err), (0, ""), "{said:?}");
    let row = said.out.lines().nth(1).unwrap().split("  ");
    let cells: Vec<&str> = row.map(str::trim).filter(|cell| !cell.is_empty()).collect();
    assert_eq!(cells[..5], ["all", "0 %", "0 %", "0", "0"], "{said:?}");
    has(&said.out, &["\nverified\n"]);
    assert!(client.is_closed().await);
    let said = served.command(&["rollback", "--hard", "--json"]).await;
    assert_eq!(
        (said.code, &said.json()["hard"], &said.json()["verified"]),
        (0, &true.into(), &true.into())
    );
    let said = served.command(&["events"]).await;
    has(&said.out, &["rollback  ", "rollback --hard  all"]);
    let said = served.command(&["rollback", "--help"]).await;
    has(
        &said.out,
        &["--hard", "Clients see their streams break off"],
    );
}

/// A port that answers so, and where something always runs on the candidate.
async fn port(to_rollback: Do) -> Origin {
    let desk = Desk::open().await;
    desk.rollback().await;
    let host = format!("host: {}", desk.port());
    let health = desk.raw("GET /health", &[&host], "").await.body;
    Origin::new(move |seen| match seen.target() {
        "/health" => vec![ok(&health)],
        "/metrics" => vec![ok(
            b"figshift_requests_in_flight{route=\"all\",side=\"candidate\",backend=\"new\"} 1\n",
        )],
        _ => vec![to_rollback.clone()],
    })
}

async fn ask(port: &Origin, args: &[&str]) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("figshift.toml");
    fs::write(&file, format!("state_dir = {:?}\n", folder.path())).unwrap();
    let mut args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    args.extend(["--admin".to_owned(), port.address.to_string()]);
    args.extend(["--config".to_owned(), file.display().to_string()]);
    bare(&args, folder.path(), &[]).await
}

#[tokio::test]
async fn what_is_left_running_is_told() {
    let applied = r#"{"epoch":2,"moves":[],"persisted":true}"#;
    let port = port(ok(applied.as_bytes())).await;
    let said = ask(&port, &["rollback"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let asked = port.seen().remove(0).body;
    assert_eq!(asked, b"{}", "an older figshift knows no `hard`");
    let said = ask(&port, &["rollback", "--hard"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    has(&said.out, &["not verified: some request still runs"]);
    let said = ask(&port, &["rollback", "--hard", "--json"]).await;
    assert_eq!((said.code, &said.json()["verified"]), (1, &false.into()));
}

#[tokio::test]
async fn the_file_kill_is_not_hard() {
    let port = port(status("500 Oh", &[], b"")).await;
    let said = ask(&port, &["rollback"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let said = ask(&port, &["rollback", "--hard"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    has(&said.err, &["KILL", "cannot cut", "--hard"]);
    has(
        &said.out,
        &["verified, but what runs on the candidate was not cut"],
    );
    let said = ask(&port, &["rollback", "--hard", "--json"]).await;
    assert_eq!((said.code, &said.json()["hard"]), (3, &false.into()));
}
