//! Clients and servers that people use, each against the finished binary: curl, nghttp and h2load,
//! OpenAI's Python client, grpcio on both ends, websockets on both ends.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use figshift::demo::{Behaviour, SampleBackend};
use serde_json::{Value, json};

use super::house::{House, Site};
use super::origin::Origin;
use super::process::Process;
use super::wait::{free_port, until};

const START: Duration = Duration::from_secs(20);

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real/clients")
        .join(name)
}

/// Python with the packages that `tests/run` installs.
fn python(name: &str) -> Command {
    let folder = std::env::var_os("FIGSHIFT_TOOLS").expect("FIGSHIFT_TOOLS: run tests/run");
    let mut command = Command::new(PathBuf::from(folder).join("python"));
    command.arg(script(name));
    for proxy in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        command.env_remove(proxy);
    }
    command
}

/// What a program prints, if it ends well.
fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {text}\n{errors}");
    text
}

fn told(command: &mut Command) -> Value {
    serde_json::from_str(&said(command)).unwrap()
}

/// A house before one backend at this URL, with further lines for it.
async fn house(folder: &Path, url: &str, lines: &str) -> House {
    let site = Site::new(folder);
    let text = format!(
        "{}[backends.only]\nendpoints = [\"{url}\"]\n{lines}\n[[routes]]\nname = \"all\"\nprimary = \"only\"\n",
        site.head()
    );
    site.serve_text(&text).await
}

/// A server in Python that listens on a port of its own.
async fn server(name: &str, folder: &Path) -> (Process, u16) {
    let port = free_port();
    let mut process = Process::start(name, python(name).arg(port.to_string()), folder);
    until(name, START, async || {
        assert!(
            process.is_running(),
            "{name} has ended: {}",
            process.stderr()
        );
        TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
    (process, port)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx and curl: tests/run"]
async fn curl_gets_and_sends_in_both_protocols() {
    let folder = tempfile::tempdir().unwrap();
    let inner = free_port();
    let nginx = Origin::start_with("nginx", folder.path(), |port| {
        // nginx itself counts what has come, and sends it back by the second server.
        format!(
            r#"client_max_body_size 50m;
            server {{
                listen 127.0.0.1:{port};
                location / {{
                    proxy_pass http://127.0.0.1:{inner};
                    proxy_set_header x-length $content_length;
                }}
            }}
            server {{
                listen 127.0.0.1:{inner};
                location / {{ return 200 "$request_method $http_x_length"; }}
            }}"#
        )
    })
    .await;
    let house = house(folder.path(), &nginx.url(), "").await;
    let file = folder.path().join("upload");
    fs::write(&file, vec![b'x'; 5_000_000]).unwrap();
    for (protocol, version) in [("--http1.1", "1.1"), ("--http2-prior-knowledge", "2")] {
        let curl = || {
            let mut curl = Command::new("curl");
            curl.args([
                "--silent",
                "--show-error",
                "--fail",
                "--noproxy",
                "*",
                "--max-time",
                "30",
            ])
            .args(["--write-out", " %{http_version} %{http_code}", protocol]);
            curl
        };
        let url = house.url("/p?a=b");
        assert_eq!(said(curl().arg(&url)), format!("GET  {version} 200"));
        let data = said(curl().args(["--data", "hello", &url]));
        assert_eq!(data, format!("POST 5 {version} 200"));
        let upload = said(curl().arg("--upload-file").arg(&file).arg(&url));
        assert_eq!(upload, format!("PUT 5000000 {version} 200"));
        // Its length is not known: chunks in HTTP/1.1, which nginx counts when they have come.
        let mut piped = curl();
        piped
            .args(["--upload-file", "-", &url])
            .stdin(fs::File::open(&file).unwrap());
        assert_eq!(said(&mut piped), format!("PUT 5000000 {version} 200"));
        // With `Expect: 100-continue`, which is answered at once.
        let expect =
            said(curl().args(["--header", "expect: 100-continue", "--data", "hello", &url]));
        assert_eq!(expect, format!("POST 5 {version} 200"));
        let head = said(curl().args(["--head", &url]));
        assert!(
            head.contains("content-length: ") && head.ends_with(&format!(" {version} 200")),
            "{head}"
        );
    }
    // Two requests on one connection. With HTTP/2 of prior knowledge curl 7.88 fails at it with any
    // server.
    let url = house.url("/");
    let mut twice = Command::new("curl");
    twice.args([
        "--silent",
        "--fail",
        "--noproxy",
        "*",
        "--write-out",
        " %{num_connects} ",
    ]);
    assert_eq!(said(twice.args([&url, &url])), "GET  1 GET  0 ");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, nghttp and h2load: tests/run"]
async fn nghttp_and_h2load_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let nginx = Origin::start("nginx", folder.path()).await;
    let house = house(folder.path(), &nginx.url(), "").await;
    let url = house.url("/");
    let verbose = said(Command::new("nghttp").args(["--verbose", "--no-dep", &url]));
    assert!(
        verbose.contains(":status: 200") && verbose.contains("nginx\n"),
        "{verbose}"
    );
    let load = said(Command::new("h2load").args([
        "--requests=5000",
        "--clients=4",
        "--max-concurrent-streams=25",
        &url,
    ]));
    assert!(
        load.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{load}"
    );
    let old = said(Command::new("h2load").args(["--requests=5000", "--clients=4", "--h1", &url]));
    assert!(
        old.contains("5000 succeeded, 0 failed, 0 errored, 0 timeout"),
        "{old}"
    );
    for (name, text) in [("HTTP/2", &load), ("HTTP/1.1", &old)] {
        let line = text
            .lines()
            .find(|line| line.starts_with("finished in"))
            .unwrap();
        println!("clients: h2load, {name}: {line}");
    }
    assert_eq!(nginx.hits(), 10_001);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenAI's Python client: tests/run"]
async fn openai_s_client_streams_a_chat() {
    let folder = tempfile::tempdir().unwrap();
    let sample = SampleBackend::start("vastai", Behaviour::healthy(50, 20))
        .await
        .unwrap();
    let house = house(folder.path(), &sample.url(), "").await;
    let mut client = python("openai_chat.py");
    let told = tokio::task::spawn_blocking({
        let base = house.url("/v1");
        move || told(client.args([base.as_str(), "30"]))
    })
    .await
    .unwrap();
    println!("clients: openai: {told}");
    assert_eq!(told["words"], 30);
    assert_eq!(
        told["whole"].as_str().unwrap().trim(),
        told["streamed"].as_str().unwrap().trim()
    );
    assert_eq!(
        (&told["finish"], &told["mistake"]),
        (&json!("length"), &json!(404))
    );
    // 29 gaps of some 20 ms: the words came as they were said, not at the end.
    assert!(told["spread_ms"].as_f64().unwrap() > 200.0, "{told}");
    house.stop().await;
}

/// The example for clients of OpenAI's API before a legacy that has another one, between these two.
fn adapted(site: &Site, legacy: u16, candidate: &str, percent: u8) -> String {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/adapter-openai.toml");
    let example = fs::read_to_string(example).unwrap();
    let (_, rest) = example.split_once("[backends.legacy]").unwrap();
    let rest = rest
        .replace(
            "http://10.0.0.5:8000",
            &format!("http://127.0.0.1:{legacy}"),
        )
        .replace("http://203.0.113.10:40123", candidate)
        .replace("percent    = 5", &format!("percent = {percent}"));
    format!("{}[backends.legacy]{rest}", site.head())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs OpenAI's Python client: tests/run"]
async fn openai_s_client_is_served_by_a_legacy_with_another_api_and_by_its_successor() {
    let folder = tempfile::tempdir().unwrap();
    let (_legacy, port) = server("tgi_server.py", folder.path()).await;
    let sample = SampleBackend::start("vastai", Behaviour::healthy(50, 20))
        .await
        .unwrap();
    for (percent, who) in [(0, "legacy"), (100, "vastai"), (50, "")] {
        let place = folder.path().join(percent.to_string());
        fs::create_dir_all(&place).unwrap();
        let site = Site::new(&place);
        let text = adapted(&site, port, &sample.url(), percent);
        let house = site.serve_text(&text).await;
        let base = house.url("/v1");
        let mut client = python("openai_chat.py");
        let told = tokio::task::spawn_blocking(move || told(client.args([base.as_str(), "30"])));
        let told = told.await.unwrap();
        println!("clients: openai by an adapter: {told}");
        assert_eq!(told["words"], 30);
        assert_eq!(
            (&told["finish"], &told["mistake"]),
            (&json!("length"), &json!(404))
        );
        if !who.is_empty() {
            for text in [&told["whole"], &told["streamed"]] {
                let is_legacy = text.as_str().unwrap().contains("legacy29");
                assert_eq!(is_legacy, who == "legacy", "{told}");
            }
        }
        assert!(told["spread_ms"].as_f64().unwrap() > 200.0, "{told}");
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs grpcio: tests/run"]
async fn grpc_calls_of_every_kind_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (mut server, port) = server("grpc_server.py", folder.path()).await;
    // gRPC is spoken to a backend of which nothing is said, too.
    let house = house(folder.path(), &format!("http://127.0.0.1:{port}"), "").await;
    let address = format!("127.0.0.1:{}", house.site.http);
    let told = told(python("grpc_calls.py").args([&address, "calls"]));
    println!("clients: grpcio: {told}");
    let expected = json!({
        "echo": "hello",
        "first": "yes",
        "last": "end",
        "binary": true,
        "big": true,
        "counted": true,
        "collected": "a,b,c",
        "chat": true,
        "failed": ["NOT_FOUND", "no such thing: \u{e4} %"],
        "late": "DEADLINE_EXCEEDED",
        "unknown": ["UNIMPLEMENTED", "Method not found!"],
    });
    assert_eq!(told, expected);
    // What figshift answers by itself is a status of gRPC as well.
    server.kill();
    let dead = self::told(python("grpc_calls.py").args([&address, "dead"]));
    assert_eq!(dead[0], "UNAVAILABLE", "{dead}");
    assert!(
        dead[1]
            .as_str()
            .unwrap()
            .contains("connection to the backend"),
        "{dead}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs the websockets package: tests/run"]
async fn websockets_talk_both_ways() {
    let folder = tempfile::tempdir().unwrap();
    let (_server, port) = server("websocket_server.py", folder.path()).await;
    let house = house(folder.path(), &format!("http://127.0.0.1:{port}"), "").await;
    let url = format!("ws://127.0.0.1:{}/talk", house.site.http);
    let told = told(python("websocket_talk.py").arg(&url));
    println!("clients: websockets: {told}");
    let expected = json!({
        "texts": true,
        "big": true,
        "protocol": "chat",
        "closed": [4001, "as you like"],
    });
    assert_eq!(told, expected);
    house.stop().await;
}
