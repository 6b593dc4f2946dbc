//! `figshift vast check`: each broken set-up is told with its fault and its remedy.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::shell::{LABEL, Shell, quoted, service};
use crate::support::origin::{Do, Origin, status};
use crate::support::tls::{Authority, tls_before};
use crate::support::vast::{KEY, Mood, Place, Row};

fn row(id: u64) -> Row {
    Row::new(id).label(LABEL)
}

#[tokio::test]
async fn all_is_good() {
    let shell = Shell::new();
    let service = service();
    shell
        .api
        .put(row(101).at(8_000, service.address).price(0.3526, 0.0026));
    shell.api.put(row(102).at(8_000, service.address));
    shell.api.put(row(103).label("other"));
    let ready = "[backends.rented.ready]\npath = \"/v1/completions\"\nbody = '{\"max_tokens\": 1}'\ncontains = \"choices\"\n\
                 [backends.rented.auth]\nbearer = \"portal-token-0123456789\"";
    shell.write("", ready);
    let said = shell.check().await;
    said.is(
        0,
        &[
            "ok    key      from VAST_API_KEY, accepted",
            "ok    list     3 instances, of which 3 run",
            "ok    credit   $42.50 are left",
            "backend `rented`: label \"llm-prod\", port 8000, http",
            "ok    match    2 instances",
            "warn  scheme   plain HTTP",
            "ok    serves   2 of 2",
            "instance 101 of backend `rented`, RTX 4090, $0.3526/h",
            "ok    state    it runs (running)",
            &format!("ok    port     8000 is {}", service.address),
            &format!("ok    connect  {} (", service.address),
            "ok    ready    200 to POST /v1/completions (",
        ],
    );
    assert!(!said.text.contains("FAIL"), "{}", said.text);
    assert!(!said.text.contains("portal-token"), "{}", said.text);
    assert_eq!(service.count(), 2);
    for seen in service.seen() {
        let shown = seen.head.get("authorization");
        assert_eq!(shown, Some("Bearer portal-token-0123456789"));
        assert_eq!(seen.body, b"{\"max_tokens\": 1}");
        assert!(!format!("{seen:?}").contains(KEY));
    }
    assert_eq!(shell.api.too_fast(), Vec::<String>::new());

    // For programs; and a figshift that runs may ask at the same time.
    let json = shell.run("vast check --json").await.json();
    assert_eq!(json["exit"], 0);
    let findings = json["findings"].as_array().unwrap();
    let ready = findings
        .iter()
        .filter(|finding| finding["check"] == "ready");
    assert!(
        ready
            .clone()
            .all(|finding| finding["verdict"] == "ok" && finding["milliseconds"].is_f64())
    );
    let ids: Vec<_> = ready
        .map(|finding| (&finding["backend"], &finding["instance"]))
        .collect();
    let rented = serde_json::json!("rented");
    assert_eq!(
        ids,
        [
            (&rented, &serde_json::json!(101)),
            (&rented, &serde_json::json!(102))
        ]
    );
}

#[tokio::test]
async fn there_is_no_key() {
    let mut shell = Shell::new();
    shell.write("", "");
    shell.key = None;
    shell.check().await.is(
        1,
        &[
            "FAIL  key  there is none",
            "VAST_API_KEY",
            "remedy: set VAST_API_KEY, or run `vastai set api-key KEY`",
        ],
    );
    assert_eq!(shell.api.calls().len(), 0);
    // The file of the `vastai` command is as good.
    std::fs::write(shell.key_file(), format!("{KEY}\n")).unwrap();
    shell.check().await.is(
        1,
        &[
            "vastai/vast_api_key, accepted",
            "the account has no instances",
        ],
    );
}

#[tokio::test]
async fn the_key_is_wrong() {
    let shell = Shell::new();
    shell.write("", "");
    shell.api.set_key("another-key-of-the-account");
    let parts = [
        "FAIL  key  from VAST_API_KEY, refused",
        "auth_error: Invalid user key",
        "remedy: set a valid key in VAST_API_KEY",
    ];
    let said = shell.check().await;
    said.is(1, &parts);
    said.is(1, &["401"]);
    shell.api.forget_calls();
    shell.api.behave(Place::Instances, Mood::WrongKeyAs404);
    let said = shell.check().await;
    said.is(1, &parts);
    said.is(1, &["404"]);
}

#[tokio::test]
async fn the_key_may_not_list() {
    let shell = Shell::new();
    shell.write("", "");
    shell.api.set_scopes(&["user_read"]);
    let said = shell.check().await;
    said.is(
        1,
        &[
            "FAIL  scope  it may not list instances",
            "403: forbidden",
            "remedy: give the key the scope instance_read",
        ],
    );
}

#[tokio::test]
async fn a_narrow_key_is_enough() {
    let shell = Shell::new();
    shell.write("", "");
    let service = service();
    shell.api.put(row(101).at(8_000, service.address));
    shell.api.set_scopes(&["instance_read"]);
    shell
        .check()
        .await
        .is(0, &["ok    scope    instance_read, which is enough"]);
}

#[tokio::test]
async fn nobody_has_the_label() {
    let shell = Shell::new();
    shell.write("", "");
    for (id, label) in [(1, "LLM-prod"), (2, "train"), (3, "train")] {
        shell.api.put(row(id).label(label));
    }
    shell.api.put(row(4).set("label", serde_json::Value::Null));
    shell.check().await.is(
        1,
        &[
            "FAIL  match   no instance has label \"llm-prod\"; labels that exist: none (1), \"LLM-prod\" (1), \"train\" (2)",
            "remedy: correct the choice in `discover.vastai`",
        ],
    );
}

#[tokio::test]
async fn the_port_is_not_mapped() {
    let shell = Shell::new();
    shell.write("", "");
    shell
        .api
        .put(row(101).at(1_111, "192.0.2.1:40013".parse().unwrap()));
    shell.check().await.is(
        1,
        &[
            "FAIL  port    8000 is not mapped; these are: 22, 1111",
            "remedy: ports are fixed when an instance is made: make it again with `-p 8000:8000`",
            "FAIL  serves  none of 1 can serve",
        ],
    );
}

#[tokio::test]
async fn the_host_has_no_direct_ports() {
    let shell = Shell::new();
    shell.write("", "");
    shell.api.put(row(101).without_direct_ports());
    shell.check().await.is(
        1,
        &[
            "FAIL  port    its host has no direct ports",
            "remedy: destroy it, and rent one whose offer has direct_port_count of 1",
        ],
    );
}

#[tokio::test]
async fn some_are_not_there_now() {
    let shell = Shell::new();
    shell.write("", "");
    shell
        .api
        .put(row(101).preempted().set("min_bid", 0.24).price(0.2, 0.0026));
    let said = shell.check().await;
    said.is(
        1,
        &[
            "warn  state   it was stopped by the platform, most likely outbid (exited, stopped)",
            "remedy: it comes back by itself when nobody bids more: bid $0.2400/h or more",
            "$0.0026/h",
            "FAIL  serves  none of 1 can serve",
        ],
    );
    // With another one that serves, it is a part of the whole that is missing.
    let service = service();
    shell.api.put(row(102).at(8_000, service.address));
    shell.api.put(row(103).loading());
    shell.api.put(row(104).stopped());
    shell.api.put(row(105).set("ports", serde_json::json!({})));
    shell.api.forget_calls();
    shell.check().await.is(
        3,
        &[
            "ok    serves   1 of 5",
            "warn  state    it loads its image or starts; its host says: Pulling fs layer (loading, running)",
            "warn  state    it is stopped; its host says: success, running",
            "remedy: start it (`vastai start instance ID`), or destroy it",
            "warn  port     no port is mapped yet",
        ],
    );
}

#[tokio::test]
async fn the_certificate_is_of_somebody_else() {
    let shell = Shell::new();
    let (service, authority, other) = (service(), Authority::new(), Authority::new());
    let ca = shell.folder.path().join("vast-root.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let tls = |more: &str| format!("[backends.rented.tls]\nca = [{}]\n{more}", quoted(&ca));
    let https = "scheme = \"https\"";

    // As it should be.
    let good = tls_before(&service, &authority, "127.0.0.1").await;
    shell.api.put(row(101).at(8_000, good));
    shell.write(https, &tls(""));
    shell.check().await.is(
        0,
        &[
            "ok    tls      TLS 1.3",
            "ok    scheme   https",
            "ok    ready    200 to GET / (",
        ],
    );

    // Signed by somebody else.
    let bad = tls_before(&service, &other, "127.0.0.1").await;
    shell.api.put(row(101).at(8_000, bad));
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  tls      invalid peer certificate: UnknownIssuer",
            "remedy: set `ca` in [backends.rented.tls] to a file with Vast's root",
            "jvastai_root.cer",
        ],
    );

    // For another name, which can be said.
    let bad = tls_before(&service, &authority, "0.0.0.0").await;
    shell.api.put(row(101).at(8_000, bad));
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  tls      invalid peer certificate: certificate not valid for name",
            "remedy: set `name` in [backends.rented.tls]",
        ],
    );
    shell.write(https, &tls("name = \"0.0.0.0\""));
    shell.api.forget_calls();
    shell.check().await.is(0, &["ok    tls"]);

    // Not the one that is pinned.
    shell.write(
        https,
        &format!(
            "[backends.rented.tls]\npin = [\"sha256:{}\"]",
            "0".repeat(64)
        ),
    );
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "it is not pinned: the certificate is sha256:",
            "remedy: if this is the right machine, add the digest to `pin`",
        ],
    );

    // No TLS at all: some say so, some wait for more.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    shell
        .api
        .put(row(101).at(8_000, plain.local_addr().unwrap()));
    let plain = tokio::spawn(async move {
        let (mut socket, _) = plain.accept().await.unwrap();
        let (mut hello, no) = ([0; 16], b"HTTP/1.1 400 Bad Request\r\n\r\n");
        socket.read_exact(&mut hello).await.unwrap();
        socket.write_all(no).await.unwrap();
    });
    shell.write(https, &tls(""));
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  tls",
            "remedy: the port speaks plain HTTP: write scheme = \"http\"",
        ],
    );
    plain.await.unwrap();
    shell.api.put(row(101).at(8_000, service.address));
    shell.write(
        https,
        &tls("[backends.rented.timeouts]\nconnect = \"300ms\""),
    );
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  tls      not done within 0.3 s",
            "remedy: whoever listens there may not speak TLS",
        ],
    );
}

#[tokio::test]
async fn the_portal_answers_instead() {
    let shell = Shell::new();
    shell.write("", "[backends.rented.ready]\npath = \"/v1/models\"");
    let portal = Origin::new(|_| {
        vec![status(
            "502 Bad Gateway",
            &["X-Portal-Placeholder: true"],
            b"<html>loading",
        )]
    });
    shell.api.put(row(101).at(8_000, portal.address));
    shell.check().await.is(
        1,
        &["FAIL  ready    the portal answers for a service that is not up yet (status 502, X-Portal-Placeholder)", "remedy: wait until the service in the instance is up", "PORTAL_CONFIG"],
    );
    portal.set(|_| {
        vec![status(
            "200 OK",
            &["X-Portal-Placeholder: true"],
            b"<html>loading",
        )]
    });
    shell.api.forget_calls();
    shell
        .check()
        .await
        .is(1, &["(status 200, X-Portal-Placeholder)"]);

    // The portal asks who is there.
    portal.set(|_| vec![status("401 Unauthorized", &[], b"")]);
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &["FAIL  ready    the status is 401", "remedy: the portal of the instance asks who is there: set `bearer` in [backends.rented.auth] to its OPEN_BUTTON_TOKEN or WEB_PASSWORD"],
    );
    shell.write(
        "",
        "[backends.rented.auth]\nbearer = \"a-wrong-token-0123456789\"",
    );
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &["remedy: the portal refuses what [backends.rented.auth] says"],
    );

    portal.set(|_| {
        vec![status(
            "308 Permanent Redirect",
            &["location: https://x"],
            b"",
        )]
    });
    shell.write("", "");
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &["FAIL  ready    the status is 308", "scheme = \"https\""],
    );
    portal.set(|_| vec![status("503 Service Unavailable", &[], b"")]);
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  ready    the status is 503",
            "remedy: the service behind the port is not up",
        ],
    );
    portal.set(|_| vec![Do::Stall]);
    shell.write("", "[backends.rented.ready]\ntimeout = \"300ms\"");
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  ready    not done within 0.3 s",
            "remedy: the service may still load its model",
        ],
    );
    portal.kill().await;
    shell.api.forget_calls();
    shell.check().await.is(
        1,
        &[
            "FAIL  connect",
            "refused",
            "remedy: nothing listens behind this port",
        ],
    );
}

#[tokio::test]
async fn the_api_cannot_be_reached() {
    let shell = Shell::new();
    shell.write("", "");
    shell.api.origin().kill().await;
    shell.check().await.is(
        4,
        &[
            "FAIL  list  /api/v1/instances/: no answer: ",
            "remedy: check the network, the proxy settings (HTTPS_PROXY",
        ],
    );
    shell.api.origin().revive();
    for (mood, part) in [
        (Mood::HtmlForbidden, "the key may be good"),
        (Mood::Status("502 Bad Gateway"), "remedy: ask again later"),
        (Mood::Html, "no proxy answers for it"),
        (Mood::Quota(None), "until midnight UTC"),
    ] {
        shell.api.behave(Place::Instances, mood);
        shell.api.forget_calls();
        shell.check().await.is(4, &["FAIL  list", part]);
    }
}

#[tokio::test]
async fn the_path_is_no_more() {
    let shell = Shell::new();
    shell.write("", "");
    shell.api.behave(Place::Instances, Mood::Retired);
    shell.check().await.is(
        1,
        &[
            "FAIL  list  /api/v1/instances/: 410: deprecated_endpoint",
            "remedy: use a newer figshift",
        ],
    );
    shell.api.forget_calls();
    shell.api.behave(
        Place::Instances,
        Mood::Redirect("https://elsewhere.example/".to_owned()),
    );
    shell.check().await.is(
        1,
        &[
            "308: it leads to elsewhere.example",
            "remedy: set the base URL to https://console.vast.ai",
        ],
    );
}

#[tokio::test]
async fn who_is_told_to_ask_less_often_waits() {
    let shell = Shell::new();
    let service = service();
    shell.api.put(row(101).at(8_000, service.address));
    shell.write("", "");
    shell.api.behave_times(Place::Instances, Mood::Limited, 2);
    shell.check().await.is(0, &["ok    serves   1 of 1"]);
    assert_eq!(shell.api.too_fast(), Vec::<String>::new());
}

#[tokio::test]
async fn bad_input_is_told_as_such() {
    let shell = Shell::new();
    shell
        .check()
        .await
        .is(2, &["there is no figshift.toml here"]);
    shell.write_whole("[backends.rented]\nendpoints = []");
    shell.check().await.is(
        2,
        &[
            "no backend has `discover.vastai`",
            "hint: write [backends.NAME.discover.vastai]",
        ],
    );
    shell.write("port = 8001", "");
    shell.check().await.is(2, &["figshift.toml:"]);
    shell.write(
        "scheme = \"https\"",
        "[backends.rented.tls]\nca = [\"/nowhere/root.pem\"]",
    );
    shell
        .check()
        .await
        .is(2, &["/nowhere/root.pem: cannot read the file"]);
    shell
        .run("vast check --config none.toml")
        .await
        .is(2, &["none.toml"]);
}
