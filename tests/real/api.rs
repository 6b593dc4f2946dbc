//! The API is what its document says: the document passes a public validator, and what schemathesis
//! makes of it, thousands of odd requests, is answered by nothing that the document does not name.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use super::house::Site;
use super::origin::Origin;

const TOKEN: &str = "sixteen-characters-or-more";

/// A tool that `tests/run` installs.
fn tool(name: &str) -> Command {
    let folder = std::env::var_os("FIGSHIFT_TOOLS").expect("FIGSHIFT_TOOLS: run tests/run");
    Command::new(PathBuf::from(folder).join(name))
}

fn run(command: &mut Command) -> String {
    let said = command.output().unwrap();
    let text = [&said.stdout, &said.stderr].map(|part| String::from_utf8_lossy(part).into_owned());
    assert!(said.status.success(), "{}{}", text[0], text[1]);
    text.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs openapi-spec-validator, schemathesis: tests/run"]
async fn the_api_is_what_its_document_says() {
    let folder = tempfile::tempdir().unwrap();
    let legacy = Origin::start("legacy", folder.path()).await;
    let vastai = Origin::start("vastai", folder.path()).await;
    let site = Site::new(folder.path());
    let text = format!(
        "{}\n[admin]\ntoken = \"{TOKEN}\"\n[routes.ramp]\nsteps = [5, 50]\n",
        site.split(&legacy, &vastai, "25")
    );
    let house = site.serve_text(&text).await;
    let asked = house.client.get(house.admin("/api/v1/openapi.json"));
    let document = asked.bearer_auth(TOKEN).send().await.unwrap();
    let file = folder.path().join("openapi.json");
    fs::write(&file, document.bytes().await.unwrap()).unwrap();
    run(tool("openapi-spec-validator").arg(&file));

    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,\
                  response_schema_conformance,unsupported_method,ignored_auth";
    let said = run(tool("schemathesis")
        .arg("run")
        .arg(&file)
        .args(["--url", &house.admin("")])
        .args(["--header", &format!("Authorization: Bearer {TOKEN}")])
        .args(["--checks", checks])
        // A stream does not end.
        .args(["--exclude-path", "/api/v1/events"])
        .args(["--phases", "examples,coverage,fuzzing"])
        .args(["--max-examples", "100"])
        .args(["--seed", "1"])
        .arg("--no-color")
        .current_dir(folder.path()));
    let end: Vec<_> = said.lines().rev().take(4).collect();
    println!(
        "schemathesis: {}",
        end.into_iter().rev().collect::<Vec<_>>().join(" ")
    );
    house.stop().await;
}
