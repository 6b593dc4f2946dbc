//! `figshift check --connect` of a Serverless backend.

use serde_json::json;

use crate::shell::Shell;
use crate::support::origin::Origin;
use crate::support::serverless::{ENDPOINT_KEY, NAME};
use crate::support::vast::{KEY, Mood, Place};

const CONNECT: &str = "check --connect figshift.toml";

/// Writes a file with that backend, whose engine is there.
fn write(shell: &Shell, engine: &str, name: &str) {
    let api = shell.api.url();
    shell.write_whole(&format!(
        "[backends.rented.serverless]\nendpoint = {name:?}\napi = {api:?}\nengine = {engine:?}\nallow_http = true\n"
    ));
}

#[tokio::test]
async fn key_endpoint_and_engine_are_looked_at_and_no_worker_is_asked_for() {
    let mut shell = Shell::new();
    let engine = Origin::saying("engine");
    let row = |state: &str| {
        let row = json!({"id": 8, "endpoint_name": NAME, "api_key": ENDPOINT_KEY, "endpoint_state": state});
        vec![row]
    };
    shell.api.set_endpoints(row("active"));
    write(&shell, &engine.url(), NAME);
    let told = shell.run(CONNECT).await;
    told.is(
        0,
        &[
            "backend `rented`: workers of the Serverless endpoint `shop-llm`",
            "ok    key       from VAST_API_KEY",
            "ok    endpoint  `shop-llm` is there",
            "ok    engine    http://127.0.0.1:",
        ],
    );
    assert!(!told.text.contains(KEY) && !told.text.contains(ENDPOINT_KEY));
    assert_eq!(shell.api.count(Place::Route), 0);
    assert!(engine.seen().iter().all(|seen| seen.method() == "GET"));
    assert!(
        engine
            .seen()
            .iter()
            .all(|seen| seen.head.get("authorization").is_none())
    );

    let gap = std::time::Duration::from_millis(3_050);
    tokio::time::sleep(gap).await;
    write(&shell, &engine.url(), "other");
    let told = shell.run(CONNECT).await;
    told.is(
        told.code,
        &["the account has no `other`", "write one of: `shop-llm`"],
    );
    assert_ne!(told.code, 0);

    tokio::time::sleep(gap).await;
    shell.api.set_endpoints(row("stopped"));
    engine.kill().await;
    write(&shell, &engine.url(), NAME);
    let told = shell.run(CONNECT).await;
    told.is(told.code, &["`shop-llm` is stopped", "check `engine`"]);

    tokio::time::sleep(gap).await;
    shell.api.behave(Place::Endpoints, Mood::NoScope);
    let told = shell.run(CONNECT).await;
    told.is(told.code, &["misc"]);

    shell.key = None;
    let told = shell.run(CONNECT).await;
    told.is(told.code, &["there is no API key", "set VAST_API_KEY"]);
}
