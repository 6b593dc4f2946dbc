//! The promises to scripts: exit codes, and what is said where.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::house::{Site, figshift};
use super::process::Process;
use super::wait::free_port;

const GOOD: &str = "[listen]\nhttp = \"127.0.0.1:0\"\n[backends.legacy]\nendpoints = [\"http://127.0.0.1:9\"]\n\
                    [[routes]]\nname = \"all\"\nprimary = \"legacy\"\n";

/// Runs to the end: exit code, standard output, standard error.
async fn run(command: &mut Command, folder: &Path) -> (i32, String, String) {
    let mut process = Process::start("run", command, folder);
    let status = process.ends_within(Duration::from_secs(15)).await;
    let code = status.code().expect("it was killed");
    (code, process.stdout(), process.stderr())
}

async fn figshift_with(args: &[&str], folder: &Path) -> (i32, String, String) {
    run(figshift().args(args), folder).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn check_tells_good_from_broken() {
    let folder = tempfile::tempdir().unwrap();
    let [good, broken] = ["good.toml", "broken.toml"].map(|name| folder.path().join(name));
    fs::write(&good, GOOD).unwrap();
    let text = GOOD.replace("\"legacy\"", "\"legasy\"");
    fs::write(&broken, text.replace("http =", "htpp =")).unwrap();
    let [good, broken] = [&good, &broken].map(|path| path.to_str().unwrap());

    let (code, out, err) = figshift_with(&["check", good], folder.path()).await;
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("in order"), "{out}");

    let (code, out, err) = figshift_with(&["check", broken], folder.path()).await;
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    for part in ["broken.toml:2:", "htpp", "broken.toml:7:", "legasy"] {
        assert!(err.contains(part), "no {part} in:\n{err}");
    }

    let (code, ..) = figshift_with(&["check", good, broken], folder.path()).await;
    assert_eq!(code, 2, "one of two is broken");
    let (code, ..) = figshift_with(&["check"], folder.path()).await;
    assert_eq!(code, 2, "nothing to check");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn schema_and_version_are_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (code, out, _) = figshift_with(&["schema"], folder.path()).await;
    assert_eq!(code, 0);
    let schema: Value = serde_json::from_str(&out).unwrap();
    assert!(schema["properties"]["listen"].is_object(), "{out}");

    let (code, out, _) = figshift_with(&["--version"], folder.path()).await;
    let version = concat!("figshift ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((code, out.as_str()), (0, version));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn serve_says_why_it_cannot() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nowhere.toml");
    let args = ["serve", "--config", missing.to_str().unwrap()];
    let mut command = figshift();
    // The state folder of a file that cannot be read is the one in the working directory.
    command.args(args).current_dir(folder.path());
    let (code, _, err) = run(&mut command, folder.path()).await;
    assert_eq!(code, 2, "{err}");
    assert!(err.contains("nowhere.toml"), "{err}");

    for key in ["http", "admin"] {
        let site = Site::new(folder.path());
        let port = if key == "http" { site.http } else { site.admin };
        let _taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let text = site.head() + GOOD.split_once("127.0.0.1:0\"\n").unwrap().1;
        fs::write(&site.file, text).unwrap();
        let (code, _, err) = run(&mut site.command(), folder.path()).await;
        assert_eq!(code, 4, "{err}");
        assert!(err.contains(&format!("listen.{key}")), "{err}");
        assert!(err.contains(&port.to_string()), "{err}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn health_asks_the_admin_port() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = format!("127.0.0.1:{}", free_port());
    let (code, _, err) = figshift_with(&["health", "--admin", &nobody], folder.path()).await;
    assert_eq!(code, 4, "{err}");
    assert!(err.contains(&nobody), "{err}");

    let site = Site::new(folder.path());
    let rest = GOOD.split_once("127.0.0.1:0\"\n").unwrap().1;
    let text = site.head() + rest;
    let house = site.serve_text(&text).await;
    let admin = format!("127.0.0.1:{}", house.site.admin);
    let (code, out, _) = figshift_with(&["health", "--admin", &admin], folder.path()).await;
    assert_eq!(code, 0, "{out}");
    let site = house.stop().await;

    let house = site
        .serve_text(&text.replace("\"http://127.0.0.1:9\"", ""))
        .await;
    let (code, out, err) = figshift_with(&["health", "--admin", &admin], folder.path()).await;
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("all"), "it names the route: {err}");
    house.stop().await;
}
