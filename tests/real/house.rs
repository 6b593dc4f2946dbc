//! A running `figshift serve`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use figshift::outbound::near;
use reqwest::{Client, Response};
use rustix::process::Signal;

use super::origin::Origin;
use super::process::Process;
use super::scrape::Scrape;
use super::wait::{free_port, until};

const START: Duration = Duration::from_secs(10);

/// The binary.
pub(crate) fn figshift() -> Command {
    let built = || env!("CARGO_BIN_EXE_figshift").into();
    let mut command = Command::new(std::env::var_os("FIGSHIFT_BIN").unwrap_or_else(built));
    command.env_remove("RUST_LOG");
    command
}

/// Where a house lives: the ports and the start of its file.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) http: u16,
    pub(crate) admin: u16,
    pub(crate) folder: PathBuf,
    pub(crate) file: PathBuf,
}

impl Site {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            http: free_port(),
            admin: free_port(),
            folder: folder.to_owned(),
            file: folder.join("figshift.toml"),
        }
    }

    /// `state_dir` and `[listen]`.
    pub(crate) fn head(&self) -> String {
        format!(
            "state_dir = {:?}\n[listen]\nhttp = \"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\n",
            self.folder.join("state"),
            self.http,
            self.admin
        )
    }

    /// A whole file: the backends `legacy` and `vastai`, and a route `all` that splits.
    pub(crate) fn split(&self, legacy: &Origin, vastai: &Origin, percent: &str) -> String {
        format!(
            r#"{}
[backends.legacy]
endpoints = ["{}"]
[backends.vastai]
endpoints = ["{}"]
breaker = {{ slow_start = "4s" }}
[[routes]]
name = "all"
primary = "legacy"
candidate = "vastai"
percent = {percent}
backend_header = true
"#,
            self.head(),
            legacy.url(),
            vastai.url()
        )
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = figshift();
        command.arg("serve").arg("--config").arg(&self.file);
        command
    }

    /// Serves what the file says.
    pub(crate) async fn serve(self) -> House {
        let process = Process::start("figshift", &mut self.command(), &self.folder);
        let client = near().build().unwrap();
        let mut house = House {
            process,
            client,
            site: self,
        };
        until("figshift listens", START, async || {
            assert!(house.process.is_running(), "figshift has ended at once");
            let asked = house.client.get(house.admin("/livez")).send().await;
            asked.ok().filter(|answer| answer.status() == 200)
        })
        .await;
        house
    }

    /// Writes the file and serves it.
    pub(crate) async fn serve_text(self, text: &str) -> House {
        fs::write(&self.file, text).unwrap();
        self.serve().await
    }
}

#[derive(Debug)]
pub(crate) struct House {
    pub(crate) process: Process,
    pub(crate) client: Client,
    pub(crate) site: Site,
}

impl House {
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.site.http)
    }

    pub(crate) fn admin(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.site.admin)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn scrape(&self) -> Scrape {
        let answer = self.client.get(self.admin("/metrics")).send().await;
        let answer = answer.unwrap();
        assert_eq!(answer.status(), 200);
        Scrape(answer.text().await.unwrap())
    }

    pub(crate) async fn health(&self) -> serde_json::Value {
        let answer = self.client.get(self.admin("/health")).send().await;
        answer.unwrap().json().await.unwrap()
    }

    /// SIGTERM; it must end well.
    pub(crate) async fn stop(mut self) -> Site {
        self.process.signal(Signal::TERM);
        let status = self.process.ends_within(Duration::from_secs(40)).await;
        assert_eq!(status.code(), Some(0), "after SIGTERM");
        self.site
    }
}

/// The backend that answered.
pub(crate) fn backend(answer: &Response) -> &str {
    assert_eq!(answer.status(), 200);
    answer.headers()["x-figshift-backend"].to_str().unwrap()
}
