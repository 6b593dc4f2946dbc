//! A process that has no file descriptor left: who is in is served, the others wait, nothing spins.

use std::net::SocketAddr;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::others::{assert_problem, metrics};
use crate::support::client::{Client, request};
use crate::support::origin::{Do, Gate, Origin, ok};
use crate::support::soon;

struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Served {
    /// With so many descriptors, listening on this port.
    fn start(file: &std::path::Path, descriptors: u32) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -n \"$1\"; exec \"$0\" serve --config \"$2\""]);
        command.arg(env!("CARGO_BIN_EXE_figshift"));
        command.arg(descriptors.to_string()).arg(file);
        command.stderr(std::process::Stdio::null());
        Self(command.stdout(std::process::Stdio::null()).spawn().unwrap())
    }

    /// Hundredths of a second on a processor so far.
    fn worked(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let fields: Vec<&str> = stat
            .rsplit(')')
            .next()
            .unwrap()
            .split_whitespace()
            .collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }

    fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.0.id()))
            .unwrap()
            .count()
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

async fn first_answer(address: SocketAddr) -> Client {
    let end = Instant::now() + crate::support::DEADLINE;
    while tokio::net::TcpStream::connect(address).await.is_err() {
        assert!(Instant::now() < end, "it does not listen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut client = Client::new(address).await;
    assert_eq!(client.get("/").await.text(), "ok");
    client
}

fn file(
    folder: &std::path::Path,
    [port, admin]: [u16; 2],
    origin: &Origin,
    limits: &str,
) -> std::path::PathBuf {
    let path = folder.join("figshift.toml");
    let text = format!(
        "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:{port}\"\nadmin = \"127.0.0.1:{admin}\"\nworkers = 1\n{limits}\n\
         [backends.old]\nendpoints = [{:?}]\n[[routes]]\nname = \"all\"\nprimary = \"old\"\n",
        folder.join("state"),
        origin.url(),
    );
    std::fs::write(&path, text).unwrap();
    path
}

#[tokio::test]
async fn without_a_descriptor_clients_wait_in_the_queue_and_nothing_spins() {
    let (gate, ports) = (Gate::default(), [free_port(), free_port()]);
    let wait = gate.clone();
    let origin = Origin::new(move |seen| match seen.target() {
        "/wait" => vec![Do::Await(wait.clone()), ok(b"ok")],
        _ => vec![ok(b"ok")],
    });
    let folder = tempfile::tempdir().unwrap();
    let limits = "limits = { connections = 1000 }";
    let served = Served::start(&file(folder.path(), ports, &origin, limits), 64);
    let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    let mut inside = first_answer(address).await;
    let mut second = first_answer(address).await;
    let mut held = Vec::new();
    for _ in 0..150 {
        held.push(Client::new(address).await);
    }
    crate::support::eventually("all are taken", || served.descriptors() >= 64).await;
    let mut outside = Client::new(address).await;
    outside.send(request("GET", "/", &[], b"")).await;
    // Two seconds with clients at the door, in which who is in is served.
    let (since, worked) = (Instant::now(), served.worked());
    let mut asked = 0;
    while since.elapsed() < Duration::from_secs(2) {
        let begun = Instant::now();
        assert_eq!(inside.get("/").await.text(), "ok");
        assert!(begun.elapsed() < Duration::from_secs(1));
        asked += 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let worked = served.worked() - worked;
    assert!(
        asked > 5 && worked < 60,
        "{worked} hundredths of a second in two"
    );
    // While the one connection to the backend is busy, there is none for others, and nobody is blamed.
    inside.send(request("GET", "/wait", &[], b"")).await;
    crate::support::eventually("it is asked", || {
        origin.seen().iter().any(|seen| seen.target() == "/wait")
    })
    .await;
    for _ in 0..20 {
        let answer = second.get("/").await;
        assert_problem(&answer, 502, "upstream_connect");
        assert!(answer.text().contains("file descriptor"));
    }
    gate.open();
    assert_eq!(inside.read().await.unwrap().text(), "ok");
    assert_eq!(second.get("/").await.text(), "ok");
    // When there is room again, who has waited is served.
    drop(held);
    let answer = soon("an answer", outside.read()).await.unwrap();
    assert_eq!(answer.text(), "ok");
    let admin = SocketAddr::from(([127, 0, 0, 1], ports[1]));
    let metrics = metrics(admin).await;
    let trips = metrics
        .lines()
        .find(|line| line.starts_with("figshift_breaker_trips_total{"));
    assert!(trips.unwrap().ends_with(" 0"), "{trips:?}");
}

#[tokio::test]
async fn by_default_half_of_them_are_for_clients_so_that_backends_can_be_reached() {
    let (origin, ports) = (Origin::saying("ok"), [free_port(), free_port()]);
    let folder = tempfile::tempdir().unwrap();
    let served = Served::start(&file(folder.path(), ports, &origin, ""), 200);
    let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    drop(first_answer(address).await);
    let mut kept = Vec::new();
    let mut closed = 0;
    while closed < 20 {
        assert!(kept.len() <= 50, "more than half");
        let mut client = Client::new(address).await;
        client.send(request("GET", "/", &[], b"")).await;
        match client.read().await {
            Ok(answer) => {
                assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
                kept.push(client);
            }
            Err(_) => closed += 1,
        }
    }
    assert!(kept.len() >= 48, "{}", kept.len());
    for client in &mut kept {
        client.send(request("GET", "/", &[], b"")).await;
    }
    for client in &mut kept {
        assert_eq!(client.read().await.unwrap().text(), "ok");
    }
    assert!(served.descriptors() < 200);
    kept[0].send("NONSENSE\r\n\r\n").await;
    assert_problem(&kept[0].read().await.unwrap(), 400, "bad_request");
}

/// Memory in use, in KiB.
fn resident(served: &Served) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", served.0.id())).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// As many as the system lets this process and figshift have: `ulimit -n`, less a few, at most 20 000.
#[tokio::test]
#[ignore = "takes most of the descriptors of the machine"]
async fn twenty_thousand_idle_connections_cost_memory_with_an_end_and_nobody_s_time() {
    use rustix::process::{Resource, getrlimit};
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let many = allowed.saturating_sub(500).min(20_000) as usize;
    let (origin, ports) = (Origin::saying("ok"), [free_port(), free_port()]);
    let folder = tempfile::tempdir().unwrap();
    let limits = "idle = \"1h\"\nlimits = { connections = 100000, head_time = \"1h\" }";
    let served = Served::start(&file(folder.path(), ports, &origin, limits), allowed as u32);
    let address = SocketAddr::from(([127, 0, 0, 1], ports[0]));
    let mut inside = first_answer(address).await;
    let (before, since) = (resident(&served), Instant::now());
    let mut idle = Vec::with_capacity(many);
    let mut longest = Duration::ZERO;
    for n in 0..many {
        let client = tokio::net::TcpStream::connect(address).await.unwrap();
        // Some are silent, some have begun.
        if n % 2 == 0 {
            client.try_write(b"GET / HTTP/1.1\r\nhost: a\r\n").unwrap();
        }
        idle.push(client);
        if n % 100 == 0 {
            let begun = Instant::now();
            assert_eq!(inside.get("/").await.text(), "ok");
            longest = longest.max(begun.elapsed());
        }
    }
    crate::support::eventually("all are in", || served.descriptors() >= many).await;
    let took = since.elapsed();
    let each = (resident(&served) - before) * 1024 / many;
    println!("{many} in {took:?}, {each} bytes each, the longest answer took {longest:?}");
    assert!(each < 40_000, "{each} bytes each");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    let worked = served.worked();
    for _ in 0..50 {
        let begun = Instant::now();
        assert_eq!(inside.get("/").await.text(), "ok");
        assert!(begun.elapsed() < Duration::from_secs(2));
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    println!(
        "{} hundredths of a second of work in three",
        served.worked() - worked
    );
    assert!(served.worked() - worked < 150);
    drop(idle);
    crate::support::eventually("all are gone", || served.descriptors() < 100).await;
    assert_eq!(inside.get("/").await.text(), "ok");
}
