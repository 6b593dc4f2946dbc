//! `figshift check --connect`: the way to every endpoint, however it is learned, each step with its time.

use crate::shell::{LABEL, Shell, quoted, service};
use crate::support::origin::{Origin, status};
use crate::support::tls::{Authority, tls_before};
use crate::support::vast::{Mood, Place, Row};

const CONNECT: &str = "check --connect figshift.toml";

#[tokio::test]
async fn every_backend_is_tried() {
    let shell = Shell::new();
    let (service, authority) = (service(), Authority::new());
    let ca = shell.folder.path().join("root.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let secure = tls_before(&service, &authority, "localhost").await;
    let targets = shell.folder.path().join("targets.json");
    let at = service.address;
    std::fs::write(&targets, format!("[{{\"targets\": [\"{at}\"]}}]")).unwrap();
    shell.api.put(Row::new(101).label(LABEL).at(8_000, at));
    let (api, told) = (
        shell.api.url(),
        Origin::new(move |_| {
            vec![status(
                "200 OK",
                &[],
                format!("[{{\"targets\": [\"{at}\"]}}]").as_bytes(),
            )]
        }),
    );
    shell.write_whole(&format!(
        "[backends.rented.discover.vastai]\nlabel = {LABEL:?}\nport = 8000\napi = {api:?}\n\
         [backends.plain]\nendpoints = [\"http://{at}\"]\nhealth = {{ path = \"/health\" }}\n\
         [backends.secure]\nendpoints = [\"https://localhost:{}\"]\ntls = {{ ca = [{}] }}\n\
         [backends.listed.discover.file]\npath = {}\n\
         [backends.told.discover.http]\nurl = {:?}\n[backends.none]\nendpoints = []\n",
        secure.port(),
        quoted(&ca),
        quoted(&targets),
        told.url(),
    ));
    let said = shell.run(CONNECT).await;
    said.is(
        0,
        &[
            "figshift.toml: in order\n  r: all to rented",
            "backend `rented`: 1 endpoint found by vastai",
            "vastai:101 at http://127.0.0.1:",
            "backend `plain`: 1 endpoint in the file",
            "ok    health     200 to GET /health (",
            "ok    resolve    localhost has ",
            "ok    tls        TLS 1.3",
            "backend `listed`: 1 endpoint found by file",
            "backend `told`: 1 endpoint found by http",
            "ok    answer     200 to GET / (",
            "warn  endpoints  there are none: this side is out",
            "ok    serves     all 1",
        ],
    );
    let json = shell
        .run("check --connect --json figshift.toml")
        .await
        .json();
    assert_eq!(
        (json[0]["exit"].as_u64(), json[0]["file"].as_str()),
        (Some(0), Some("figshift.toml"))
    );
    let findings = json[0]["findings"].as_array().unwrap();
    assert!(
        findings
            .iter()
            .any(|finding| finding["check"] == "tls" && finding["milliseconds"].is_f64())
    );
}

#[tokio::test]
async fn what_does_not_work_is_told_with_its_remedy() {
    let shell = Shell::new();
    let (dead, sick) = (
        Origin::dead(),
        Origin::new(|_| vec![status("500 Internal Server Error", &[], b"")]),
    );
    let one = |what: &str| shell.write_whole(&format!("[backends.rented]\n{what}\n"));
    one(&format!("endpoints = [\"{}\"]", dead.url()));
    shell.run(CONNECT).await.is(
        1,
        &[
            "FAIL  connect  127.0.0.1:",
            "refused",
            "remedy: start the service, or correct its port",
        ],
    );
    one(&format!(
        "endpoints = [\"{}\"]\nhealth = {{ path = \"/health\" }}",
        sick.url()
    ));
    shell.run(CONNECT).await.is(
        1,
        &[
            "FAIL  health   the status is 500",
            "FAIL  serves   none of 1 can serve",
        ],
    );
    let portal = Origin::new(|seen| match seen.head.get("authorization") {
        Some("Bearer of-the-portal-itself") => crate::stage::placeholder(),
        _ => vec![status("401 Unauthorized", &[], b"")],
    });
    one(&format!(
        "endpoints = [\"{}\"]\nhealth = {{ path = \"/health\" }}\nauth = {{ bearer = \"of-the-portal-itself\" }}",
        portal.url()
    ));
    shell.run(CONNECT).await.is(
        1,
        &[
            "FAIL  health   the portal answers for a service that is not up (status 200, X-Portal-Placeholder)",
            "remedy: wait until the service in the instance is up",
        ],
    );
    one(&format!("endpoints = [\"{}\"]", sick.url()));
    shell
        .run(CONNECT)
        .await
        .is(0, &["warn  answer   GET / is answered with 500"]);
    one("endpoints = [\"http://no-such-host.invalid\"]");
    shell.run(CONNECT).await.is(
        1,
        &[
            "FAIL  resolve  no-such-host.invalid: ",
            "remedy: check the host name",
        ],
    );
    one("discover = { file = { path = \"/nowhere/targets.json\" } }");
    shell.run(CONNECT).await.is(
        4,
        &[
            "FAIL  discover  /nowhere/targets.json cannot be read",
            "remedy: write the file",
        ],
    );
    shell
        .run("check --connect none.toml")
        .await
        .is(2, &["none.toml"]);
    shell
        .run("check --connect --no-files figshift.toml")
        .await
        .is(2, &["cannot be used with"]);

    shell.write("", "");
    shell.run(CONNECT).await.is(
        1,
        &[
            "FAIL  discover  no instance can be connected to",
            "`figshift vast check` says why",
        ],
    );
    shell.api.forget_calls();
    shell.api.behave(Place::Instances, Mood::HtmlForbidden);
    shell.run(CONNECT).await.is(
        4,
        &[
            "FAIL  discover  /api/v1/instances/: 403",
            "the key may be good",
        ],
    );
}
