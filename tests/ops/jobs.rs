//! Jobs by the thousand, made at every percent, polled and cancelled, with restarts and `kill -9` in between: each
//! follow-up reaches the side where its job was born.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::served::Served;
use crate::support::client::Client;
use crate::support::eventually;

/// Jobs in all; `FIGSHIFT_JOBS` says another number.
const JOBS: usize = 6_000;
const CLIENTS: usize = 8;
const SEED: u64 = 0x0b5;
const PERCENTS: [f64; 7] = [0.0, 20.0, 50.0, 100.0, 60.0, 20.0, 0.0];

/// A service with jobs that are told by their first letter, so that it knows what was never its own.
struct Service {
    address: SocketAddr,
    counts: Arc<Counts>,
}

#[derive(Default)]
pub(crate) struct Counts {
    made: AtomicUsize,
    /// Reads of jobs of the other side: somebody looks for them.
    asked: AtomicUsize,
    /// Changes of jobs of the other side.
    wrong: AtomicUsize,
}

impl Service {
    async fn start(letter: char) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counts = Arc::new(Counts::default());
        let shared = Arc::clone(&counts);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, letter, Arc::clone(&shared)));
            }
        });
        Self { address, counts }
    }
}

/// Requests without bodies, one after the other.
async fn serve(mut stream: TcpStream, letter: char, counts: Arc<Counts>) {
    let mut held = Vec::new();
    loop {
        while let Some(end) = held.windows(4).position(|part| part == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&held[..end]).into_owned();
            held.drain(..end + 4);
            let (status, body) = answer(&head, letter, &counts);
            let length = body.len();
            let text = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            if stream.write_all(text.as_bytes()).await.is_err() {
                return;
            }
        }
        let mut some = [0; 4096];
        match stream.read(&mut some).await {
            Ok(len @ 1..) => held.extend_from_slice(&some[..len]),
            _ => return,
        }
    }
}

pub(crate) fn answer(head: &str, letter: char, counts: &Counts) -> (&'static str, String) {
    let mut words = head.split(' ');
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let Some(id) = path.strip_prefix("/jobs/") else {
        let id = counts.made.fetch_add(1, SeqCst);
        return (
            "201 Created",
            format!("{{\"id\":\"{letter}-{id}\",\"state\":\"new\"}}"),
        );
    };
    let is_ours = id.starts_with(letter);
    match (method, is_ours) {
        (_, true) => ("200 OK", format!("{{\"state\":\"{method}\"}}")),
        ("GET", false) => {
            counts.asked.fetch_add(1, SeqCst);
            ("404 Not Found", "{}".to_owned())
        }
        (_, false) => {
            counts.wrong.fetch_add(1, SeqCst);
            ("404 Not Found", "{}".to_owned())
        }
    }
}

fn file(served: &Served, old: &Service, new: &Service, percent: f64) -> String {
    format!(
        "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\nworkers = 2\n[log]\nformat = \"json\"\n\
         [backends.old]\nendpoints = [\"http://{}\"]\n[backends.new]\nendpoints = [\"http://{}\"]\n\
         [[routes]]\nname = \"all\"\nprimary = \"old\"\ncandidate = \"new\"\npercent = {percent}\n\
         [[ownership]]\nname = \"jobs\"\ncreate = [\"POST /jobs\"]\nuse = [\"/jobs/{{id}}\", \"/jobs/{{id}}/cancel\"]\n\
         done = '.state == \"POST\"'\n",
        served.state_dir(),
        old.address,
        new.address,
    )
}

/// Makes jobs.
async fn make(http: SocketAddr, jobs: usize) -> Vec<String> {
    let mut client = Client::new(http).await;
    let mut ids = Vec::with_capacity(jobs);
    for _ in 0..jobs {
        let made = client.request("POST", "/jobs", &[], b"").await.unwrap();
        assert_eq!(made.status, 201, "{}", made.text());
        let json: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
        ids.push(json["id"].as_str().unwrap().to_owned());
    }
    ids
}

/// Polls jobs, and cancels some.
async fn follow(http: SocketAddr, ids: Vec<String>, cancels: bool) {
    let mut client = Client::new(http).await;
    for (n, id) in ids.iter().enumerate() {
        let read = client.get(&format!("/jobs/{id}")).await;
        assert_eq!(read.status, 200, "{id}: {}", read.text());
        if cancels && n % 10 == 0 {
            let target = format!("/jobs/{id}/cancel");
            let cancelled = client.request("POST", &target, &[], b"").await.unwrap();
            assert_eq!(cancelled.status, 200, "{id}: {}", cancelled.text());
        }
    }
}

async fn all<T: Send + 'static>(
    work: impl Iterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let tasks: Vec<_> = work.map(tokio::spawn).collect();
    let mut done = Vec::new();
    for task in tasks {
        done.push(task.await.unwrap());
    }
    done
}

async fn follow_all(http: SocketAddr, ids: &[String], cancels: bool) {
    let parts = ids.chunks(ids.len().div_ceil(CLIENTS).max(1));
    let parts: Vec<_> = parts.map(<[String]>::to_vec).collect();
    all(parts.into_iter().map(|part| follow(http, part, cancels))).await;
}

async fn ends(served: &mut Served, by_force: bool) {
    match by_force {
        true => served.kill(),
        false => {
            served.signal(Signal::TERM);
            served.wait().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[allow(clippy::print_stdout, reason = "the figures are what it is run for")]
async fn every_follow_up_reaches_the_owner_of_its_job() {
    let jobs = std::env::var("FIGSHIFT_JOBS").ok();
    let jobs = jobs.and_then(|jobs| jobs.parse().ok()).unwrap_or(JOBS);
    let (old, new) = (Service::start('o').await, Service::start('n').await);
    let mut served = Served::on_disk("");
    let mut ids: Vec<String> = Vec::new();
    let mut rng = StdRng::seed_from_u64(SEED);
    let asked = || old.counts.asked.load(SeqCst) + new.counts.asked.load(SeqCst);
    for (phase, percent) in PERCENTS.into_iter().enumerate() {
        fs::write(&served.file, file(&served, &old, &new, percent)).unwrap();
        served.run(&[]).await;
        let http = served.http();
        let share = jobs / PERCENTS.len() / CLIENTS;
        let made = all((0..CLIENTS).map(|_| make(http, share))).await;
        let made: Vec<String> = made.into_iter().flatten().collect();
        follow_all(http, &made, true).await;
        let some = |_| ids.get(rng.random_range(0..ids.len().max(1))).cloned();
        let others: Vec<String> = (0..jobs / 20).filter_map(some).collect();
        let before = asked();
        follow_all(http, &others, false).await;
        if phase < 2 {
            assert_eq!(asked(), before, "nothing is lost before the first kill");
        }
        // What is made now may not be on disk yet when the process is killed.
        let late = make(http, 20).await;
        ids.extend(made);
        ids.extend(late);
        ends(&mut served, phase % 2 == 1).await;
    }
    served.run(&[]).await;
    follow_all(served.http(), &ids, false).await;
    let known = asked();
    follow_all(served.http(), &ids, false).await;
    assert_eq!(asked(), known, "what was found once is known");
    for service in [&old, &new] {
        assert_eq!(service.counts.wrong.load(SeqCst), 0);
    }
    let born = |letter| ids.iter().filter(|id| id.starts_with(letter)).count();
    // Only what was made in the last moment before one of the three kills may have been lost.
    assert!(known <= 3 * 200, "{known} of {} were looked for", ids.len());
    println!(
        "{} jobs, {} of them at the candidate; {known} were looked for after a kill, 0 went wrong",
        ids.len(),
        born('n')
    );
    eventually("all is on disk", || {
        served.state_dir().join("owners.redb").exists()
    })
    .await;
    ends(&mut served, false).await;
}
