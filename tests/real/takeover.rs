//! One process takes the place of another, under load, again and again.

use std::fs;
use std::path::Path;
use std::time::Duration;

use figshift::outbound::near;
use reqwest::Client;
use rustix::process::Signal;

use super::house::Site;
use super::process::Process;
use super::strict::{Strict, origin};
use super::wait::until;

const RESTARTS: u32 = 10;
const SOON: Duration = Duration::from_secs(20);

/// A file with a candidate, for something to roll back.
fn write_file(site: &Site, origin: &str, more: &str) {
    let text = format!(
        "{}{more}workers = 2\n[backends.legacy]\nendpoints = [{origin:?}]\n[backends.vastai]\nendpoints = [{origin:?}]\n\
         [[routes]]\nname = \"all\"\nprimary = \"legacy\"\ncandidate = \"vastai\"\npercent = 50\n",
        site.head()
    );
    fs::write(&site.file, text).unwrap();
}

fn start(site: &Site, name: &str, takeover: bool) -> Process {
    let mut command = site.command();
    if takeover {
        command.arg("--takeover");
    }
    Process::start(name, &mut command, &site.folder)
}

async fn serves(process: &mut Process) {
    until("it serves", SOON, async || {
        assert!(process.is_running(), "it has ended at once");
        process.stderr().contains("Serving").then_some(())
    })
    .await;
}

async fn ends_well(mut process: Process) -> String {
    let status = process.ends_within(SOON).await;
    assert_eq!(status.code(), Some(0));
    process.stderr()
}

async fn text(client: &Client, site: &Site, path: &str) -> String {
    let url = format!("http://127.0.0.1:{}{path}", site.admin);
    client.get(url).send().await.unwrap().text().await.unwrap()
}

async fn rollback(client: &Client, site: &Site, what: &str) -> reqwest::StatusCode {
    let url = format!("http://127.0.0.1:{}/api/v1/{what}", site.admin);
    let body = serde_json::json!({});
    client.post(url).json(&body).send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn ten_takeovers_under_load_fail_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    let site = Site::new(folder.path());
    write_file(&site, &origin, "");
    let client = near().build().unwrap();
    // Where nobody runs, it is a plain start.
    let mut running = start(&site, "house-0", true);
    serves(&mut running).await;
    let load = Strict::start(site.http, 24, 8);
    for round in 1..=RESTARTS {
        load.goes_on(1500).await;
        // The journal has to be seen by the next one, whatever was the last word.
        let (order, holds) = if round % 2 == 1 {
            ("rollback", true)
        } else {
            ("resume", false)
        };
        assert!(rollback(&client, &site, order).await.is_success());
        let mut next = start(&site, &format!("house-{round}"), true);
        serves(&mut next).await;
        let said = ends_well(std::mem::replace(&mut running, next)).await;
        assert!(said.contains("another process serves now"), "{said}");
        assert!(!said.contains("Answers were cut"), "{said}");
        let state = text(&client, &site, "/health").await;
        assert_eq!(state.contains("\"killed\":true"), holds, "{round}: {state}");
        assert_eq!(text(&client, &site, "/readyz").await, "ok\n");
    }
    load.has_lost_nothing(&format!("takeover: {RESTARTS} times"))
        .await;
    running.signal(Signal::TERM);
    ends_well(running).await;
}

/// One writer: a second one is refused, and one that cannot start leaves the first one as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_state_folder_has_one_house_and_a_failed_takeover_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    let site = Site::new(folder.path());
    write_file(&site, &origin, "");
    let mut running = start(&site, "first", false);
    serves(&mut running).await;
    let client = near().build().unwrap();

    let elsewhere = Site {
        file: folder.path().join("other.toml"),
        ..Site::new(folder.path())
    };
    write_file(&elsewhere, &origin, "");
    fails(
        &elsewhere,
        "second",
        false,
        4,
        "is in use by another figshift",
    )
    .await;

    let broken = fs::read_to_string(&site.file)
        .unwrap()
        .replace("= 50", "= \"x\"");
    fs::write(&elsewhere.file, broken).unwrap();
    fails(&elsewhere, "broken", true, 2, "percent").await;

    // It gets the sockets and the journal, and then another process has the address it wants.
    let taken = tokio::net::TcpListener::bind(("127.0.0.1", elsewhere.http))
        .await
        .unwrap();
    write_file(&elsewhere, &origin, "");
    fails(&elsewhere, "late", true, 4, "listen.http").await;
    drop(taken);
    until("the first goes on", SOON, async || {
        running.stderr().contains("going on").then_some(())
    })
    .await;
    assert!(rollback(&client, &site, "rollback").await.is_success());
    let state = text(&client, &site, "/health").await;
    assert!(state.contains("\"killed\":true"), "{state}");

    // Another address by the file: the old one is left, the new one is bound.
    write_file(&elsewhere, &origin, "");
    let mut next = start(&elsewhere, "moved", true);
    serves(&mut next).await;
    ends_well(running).await;
    let state = text(&client, &elsewhere, "/health").await;
    assert!(state.contains("\"killed\":true"), "{state}");
    next.signal(Signal::TERM);
    ends_well(next).await;
}

async fn fails(site: &Site, name: &str, takeover: bool, code: i32, said: &str) {
    let mut process = start(site, name, takeover);
    let status = process.ends_within(SOON).await;
    let err = process.stderr();
    assert_eq!(status.code(), Some(code), "{err}");
    assert!(err.contains(said), "{err}");
}

/// The admin socket goes over, and stays where it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn the_admin_socket_goes_over_too() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    let site = Site::new(folder.path());
    let socket = folder.path().join("admin.sock");
    write_file(&site, &origin, "");
    let text = fs::read_to_string(&site.file).unwrap();
    fs::write(&site.file, format!("{text}[admin]\nsocket = {socket:?}\n")).unwrap();
    let mut first = start(&site, "first", false);
    serves(&mut first).await;
    let mut second = start(&site, "second", true);
    serves(&mut second).await;
    ends_well(first).await;
    assert_eq!(asks(&socket, folder.path()).await, Some(0));
    second.signal(Signal::TERM);
    ends_well(second).await;
    assert!(!socket.exists());
}

async fn asks(socket: &Path, folder: &Path) -> Option<i32> {
    let mut command = super::house::figshift();
    command
        .arg("health")
        .arg("--admin")
        .arg(format!("unix:{}", socket.display()));
    let mut process = Process::start("health", &mut command, folder);
    process.ends_within(SOON).await.code()
}
