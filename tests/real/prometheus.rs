//! What is exported is what Prometheus takes, and clients cannot make it grow.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use rand::distr::{Alphanumeric, SampleString as _};
use rand::seq::IndexedRandom as _;
use reqwest::Method;
use reqwest::header::HOST;
use serde_json::Value;
use tokio::task::JoinSet;

use super::house::{House, Site};
use super::load::Load;
use super::origin::Origin;
use super::process::Process;
use super::wait::{free_port, until};

const SCRAPED: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn prometheus_takes_what_is_exported() {
    let folder = tempfile::tempdir().unwrap();
    let house = loaded(folder.path()).await;
    let scrape = house.scrape().await;
    fs::write(folder.path().join("scrape"), &scrape.0).unwrap();
    let said = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(fs::File::open(folder.path().join("scrape")).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    let [out, err] = [&said.stdout, &said.stderr].map(|text| String::from_utf8_lossy(text));
    assert!(
        said.status.success() && out.is_empty() && err.is_empty(),
        "promtool: {}\n{out}{err}",
        said.status
    );

    let server = Server::start(&house, folder.path()).await;
    until("a scrape", SCRAPED, async || {
        (server.ask("up").await? == 1.0).then_some(())
    })
    .await;
    let requests = until("requests in Prometheus", SCRAPED, async || {
        let requests = server.ask("sum(figshift_requests_total)").await?;
        (requests > 0.0).then_some(requests)
    })
    .await;
    let series = scrape.series();
    println!("prometheus: up, {requests} requests in figshift_requests_total, {series} series");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn clients_cannot_make_series() {
    let folder = tempfile::tempdir().unwrap();
    let house = loaded(folder.path()).await;
    // Of every kind that clients will send there has been one.
    odd_requests(&house, 20).await;
    let before = house.scrape().await;
    odd_requests(&house, 10_000).await;
    let after = house.scrape().await;
    let all = |scrape: &super::scrape::Scrape| {
        scrape.sum("figshift_requests_total", &[]) + scrape.sum("figshift_own_answers_total", &[])
    };
    println!(
        "prometheus: {} series before {} odd requests, {} after",
        before.series(),
        all(&after) - all(&before),
        after.series()
    );
    assert!(all(&after) >= all(&before) + 10_000.0);
    assert_eq!(before.series(), after.series());
}

/// A house that has served some requests.
async fn loaded(folder: &std::path::Path) -> Loaded {
    let legacy = Origin::start("legacy", folder).await;
    let vastai = Origin::start("vastai", folder).await;
    let site = Site::new(folder);
    // Whoever sends an own host to this path meets no route.
    let text = site.split(&legacy, &vastai, "25")
        + "match = { path = \"/served/*\" }\n\
           [[routes]]\nname = \"host\"\nmatch = { host = \"*.example.com\" }\nprimary = \"legacy\"\n";
    let house = site.serve_text(&text).await;
    let url = house.url("/served");
    let load = Load::start(&url, 16, Duration::from_secs(2), folder);
    let seen = load.end().await;
    assert_eq!(seen.failed(), 0, "{seen:?}");
    Loaded {
        house,
        _origins: [legacy, vastai],
    }
}

struct Loaded {
    house: House,
    _origins: [Origin; 2],
}

impl std::ops::Deref for Loaded {
    type Target = House;

    fn deref(&self) -> &House {
        &self.house
    }
}

/// Requests with paths, hosts and methods that nobody has sent before, over some connections.
async fn odd_requests(house: &House, count: usize) {
    const TASKS: usize = 4;
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (client, base) = (house.client.clone(), house.url("/"));
        tasks.spawn(async move {
            for _ in 0..count / TASKS {
                let [method, host, path] = odd(&mut rand::rng());
                let method = Method::from_bytes(method.as_bytes()).unwrap();
                let asked = client.request(method, format!("{base}{path}"));
                let answer = asked.header(HOST, host).send().await.unwrap();
                drop(answer.bytes().await.unwrap());
            }
        });
    }
    tasks.join_all().await;
}

fn odd(rng: &mut impl rand::Rng) -> [String; 3] {
    let mut word = || Alphanumeric.sample_string(rng, 8);
    let (method, host, path, query) = (word(), word(), word(), word());
    let methods = ["GET", "POST", "PUT", "DELETE", "OPTIONS", &*method];
    let hosts = [host.clone(), format!("{host}.example.com")];
    let paths = [path.clone(), format!("served/{path}?q={query}")];
    [
        (*methods.choose(rng).unwrap()).to_ascii_uppercase(),
        hosts.choose(rng).unwrap().clone(),
        paths.choose(rng).unwrap().clone(),
    ]
}

/// A real Prometheus that scrapes one house.
struct Server {
    _process: Process,
    client: reqwest::Client,
    port: u16,
}

impl Server {
    async fn start(house: &House, folder: &std::path::Path) -> Self {
        let port = free_port();
        let config = folder.join("prometheus.yml");
        let targets = format!("127.0.0.1:{}", house.site.admin);
        let text = format!(
            "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
             scrape_configs:\n- job_name: figshift\n  static_configs:\n  - targets: [\"{targets}\"]\n"
        );
        fs::write(&config, text).unwrap();
        let mut command = Command::new("prometheus");
        command
            .arg(format!("--config.file={}", config.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.join("tsdb").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--log.level=warn");
        let mut process = Process::start("prometheus", &mut command, folder);
        let client = house.client.clone();
        until("Prometheus is ready", SCRAPED, async || {
            assert!(process.is_running(), "Prometheus has ended at once");
            let url = format!("http://127.0.0.1:{port}/-/ready");
            let answer = client.get(url).send().await.ok()?;
            (answer.status() == 200).then_some(())
        })
        .await;
        Self {
            _process: process,
            client,
            port,
        }
    }

    /// The value of a query that gives a single one, if it does yet.
    async fn ask(&self, query: &str) -> Option<f64> {
        let url = format!("http://127.0.0.1:{}/api/v1/query?query={query}", self.port);
        let answer = self.client.get(url).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let value = answer["data"]["result"].get(0)?["value"].get(1)?.as_str()?;
        value.parse().ok()
    }
}
