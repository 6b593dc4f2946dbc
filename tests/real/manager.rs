//! Under a service manager: sockets that it holds, what it is told, and the signals that it sends.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use figshift::outbound::near;
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::house::Site;
use super::process::Process;
use super::strict::{Strict, origin};
use super::wait::until;

const RESTARTS: u32 = 10;
const SOON: Duration = Duration::from_secs(20);

fn write_file(site: &Site, origin: &str, listen: &str) {
    let text = format!(
        "{}{listen}workers = 2\n[backends.legacy]\nendpoints = [{origin:?}]\n[[routes]]\nname = \"all\"\nprimary = \"legacy\"\n",
        site.head()
    );
    fs::write(&site.file, text).unwrap();
}

/// Starts it with a listening socket as descriptor 3, as a service manager does.
fn activated(site: &Site, name: &str, http: &TcpListener) -> Process {
    let serve = site.command();
    let mut shell = Command::new("sh");
    shell
        .args([
            "-c",
            r#"exec 3<&0 </dev/null; export LISTEN_PID=$$; exec "$@""#,
            "sh",
        ])
        .arg(serve.get_program())
        .args(serve.get_args())
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDNAMES", "http")
        .env_remove("RUST_LOG");
    let socket = OwnedFd::from(http.try_clone().unwrap());
    Process::start_with(name, &mut shell, &site.folder, Stdio::from(socket))
}

async fn serves(process: &mut Process) {
    until("it serves", SOON, async || {
        assert!(process.is_running(), "it has ended at once");
        process.stderr().contains("Serving").then_some(())
    })
    .await;
}

async fn ends_well(process: &mut Process) {
    let status = process.ends_within(SOON).await;
    assert_eq!(status.code(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn ten_restarts_on_a_socket_of_the_manager_fail_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    let site = Site::new(folder.path());
    // The address of the file is not the one that is served.
    let http = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = http.local_addr().unwrap().port();
    write_file(&site, &origin, "");
    let mut running = activated(&site, "house-0", &http);
    serves(&mut running).await;
    assert!(TcpStream::connect(("127.0.0.1", site.http)).await.is_err());
    let load = Strict::start(port, 24, 8);
    for round in 1..=RESTARTS {
        load.goes_on(1500).await;
        running.signal(Signal::TERM);
        ends_well(&mut running).await;
        assert!(!running.stderr().contains("Answers were cut"));
        running = activated(&site, &format!("house-{round}"), &http);
        serves(&mut running).await;
    }
    load.has_lost_nothing(&format!("manager: {RESTARTS} restarts"))
        .await;
    running.signal(Signal::TERM);
    ends_well(&mut running).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_socket_with_a_foreign_name_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path());
    write_file(&site, "http://127.0.0.1:9", "");
    let mut command = site.command();
    command
        .env("LISTEN_FDS", "2")
        .env("LISTEN_FDNAMES", "http:htpp");
    let mut process = Process::start("figshift", &mut command, folder.path());
    let status = process.ends_within(SOON).await;
    assert_eq!(status.code(), Some(2));
    let said = process.stderr();
    assert!(
        said.contains("`htpp`") && said.contains("http, admin"),
        "{said}"
    );
}

/// What has come at a notify socket, until something comes with this in it.
async fn told(socket: &UnixDatagram, what: &str) -> String {
    let mut all = String::new();
    until(what, SOON, async || {
        let mut bytes = [0; 1024];
        if let Ok(len) = socket.recv(&mut bytes) {
            all += &String::from_utf8_lossy(&bytes[..len]);
        }
        all.contains(what).then_some(())
    })
    .await;
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn the_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let site = Site::new(folder.path());
    write_file(&site, "http://127.0.0.1:9", "drain_delay = \"1s\"\n");
    let path = folder.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_nonblocking(true).unwrap();
    let mut command = site.command();
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "1000000");
    let mut process = Process::start("figshift", &mut command, folder.path());
    told(&manager, "READY=1\n").await;
    assert!(
        TcpStream::connect(("127.0.0.1", site.http)).await.is_ok(),
        "not before it serves"
    );
    for _ in 0..3 {
        told(&manager, "WATCHDOG=1\n").await;
    }
    process.signal(Signal::HUP);
    let reloaded = told(&manager, "READY=1\n").await;
    assert!(
        reloaded.contains("RELOADING=1\nMONOTONIC_USEC="),
        "{reloaded}"
    );
    process.signal(Signal::TERM);
    let ending = told(&manager, "STOPPING=1\n").await;
    // 1 s, 30 s, and some more.
    assert!(ending.contains("EXTEND_TIMEOUT_USEC=36000000"), "{ending}");
    ends_well(&mut process).await;
}

/// A stream from the origin that lasts for so many tenths of a second.
async fn stream(site: &Site, tenths: u32) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", site.http)).await.unwrap();
    let head = format!("GET /stream{tenths} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut first = [0; 8];
    stream.read_exact(&mut first).await.unwrap();
    stream
}

async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(SOON, stream.read_to_end(&mut bytes)).await;
    if let Err(error) = read.expect("it ends") {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_hundred_streams_outlive_sigterm() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    let site = Site::new(folder.path());
    write_file(&site, &origin, "drain_delay = \"500ms\"\n");
    let mut process = Process::start("figshift", &mut site.command(), folder.path());
    serves(&mut process).await;
    let mut streams = Vec::new();
    for _ in 0..100 {
        streams.push(stream(&site, 30).await);
    }
    let client = near().build().unwrap();
    process.signal(Signal::TERM);
    until("not ready", SOON, async || {
        let url = format!("http://127.0.0.1:{}/readyz", site.admin);
        let answer = client.get(url).send().await.unwrap();
        (answer.status() == 503).then_some(())
    })
    .await;
    // It still serves.
    let late = stream(&site, 1).await;
    assert!(rest(late).await.ends_with("0\r\n\r\n"));
    for stream in streams {
        let text = rest(stream).await;
        assert_eq!(text.matches("data: x").count(), 30);
        assert!(text.ends_with("0\r\n\r\n"), "{text}");
    }
    ends_well(&mut process).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_second_signal_ends_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let origin = origin().await;
    for (first, second) in [(Signal::TERM, Signal::INT), (Signal::INT, Signal::TERM)] {
        let site = Site::new(folder.path());
        write_file(&site, &origin, "drain = \"10m\"\n");
        let mut process = Process::start("figshift", &mut site.command(), folder.path());
        serves(&mut process).await;
        let streams = [stream(&site, 9000).await, stream(&site, 9000).await];
        process.signal(first);
        until("it is ending", SOON, async || {
            process.stderr().contains("Ending").then_some(())
        })
        .await;
        let begun = Instant::now();
        process.signal(second);
        ends_well(&mut process).await;
        assert!(
            begun.elapsed() < Duration::from_secs(5),
            "{:?}",
            begun.elapsed()
        );
        for stream in streams {
            assert!(!rest(stream).await.ends_with("0\r\n\r\n"), "it looks whole");
        }
        let said = process.stderr();
        assert!(
            said.contains("\"cut\":2") || said.contains("cut=2"),
            "{said}"
        );
    }
}
