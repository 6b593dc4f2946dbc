//! The built binary: a served house as a process of its own, and commands run against it.

use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use figshift::api::State;
use figshift::outbound::near;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::eventually;
use crate::support::house::two_sides;
use crate::support::origin::Origin;

/// A house on disk, which may be running.
pub(crate) struct Served {
    _old: Origin,
    pub(crate) new: Origin,
    pub(crate) folder: TempDir,
    pub(crate) file: PathBuf,
    running: Option<Running>,
}

struct Running {
    child: Child,
    http: SocketAddr,
    admin: SocketAddr,
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Served {
    /// On disk, with 25 % and a comment that must stay.
    pub(crate) fn on_disk(tables: &str) -> Self {
        Self::with_route(tables, "sticky = [\"client_ip\"] # all of them")
    }

    /// With further tables, and further lines of the route.
    pub(crate) fn with_route(tables: &str, lines: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (Origin::saying("old"), Origin::saying("new"));
        let file = folder.path().join("figshift.toml");
        let routes = two_sides(&[&old], &[&new], "", 25.0, lines);
        let text = format!(
            "# our house\nstate_dir = {:?}\n{tables}[listen]\nhttp = \"127.0.0.1:0\"\nadmin = \"127.0.0.1:0\"\n\
             workers = 1\n[log]\nformat = \"json\"\n{}",
            folder.path().join("state"),
            routes.replace("percent = 25\n", "percent =  25 # start with 1\n"),
        );
        fs::write(&file, text).unwrap();
        Self {
            _old: old,
            new,
            folder,
            file,
            running: None,
        }
    }

    /// And running.
    pub(crate) async fn start(tables: &str) -> Self {
        let mut served = Self::on_disk(tables);
        served.run(&[]).await;
        served
    }

    /// Starts the process and waits until both ports are open.
    pub(crate) async fn run(&mut self, env: &[(&str, &str)]) {
        assert!(self.running.is_none());
        let log = self.folder.path().join("log");
        let child = Command::new(env!("CARGO_BIN_EXE_figshift"))
            .args(["serve", "--config"])
            .arg(&self.file)
            .env_remove("VASTAI_ENABLED")
            .env_remove("RUST_LOG")
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut found = None;
        eventually("the process serves", || {
            found = addresses(&fs::read_to_string(&log).unwrap());
            found.is_some()
        })
        .await;
        let (http, admin) = found.unwrap();
        self.running = Some(Running { child, http, admin });
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.child.kill().unwrap();
            running.child.wait().unwrap();
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) async fn wait(&mut self) {
        let mut running = self.running.take().unwrap();
        eventually("the process ends", || {
            running.child.try_wait().unwrap().is_some()
        })
        .await;
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let child = &self.running.as_ref().unwrap().child;
        kill_process(Pid::from_child(child), signal).unwrap();
    }

    pub(crate) fn http(&self) -> SocketAddr {
        self.running.as_ref().unwrap().http
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        self.running.as_ref().unwrap().admin
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(&self.file).unwrap()
    }

    /// Runs a command with the file, and the port if there is one.
    pub(crate) async fn command(&self, args: &[&str]) -> Said {
        let mut all: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        all.extend(["--config".to_owned(), self.file.display().to_string()]);
        let admin = match &self.running {
            Some(running) => running.admin.to_string(),
            // Nobody listens there.
            None => "127.0.0.1:1".to_owned(),
        };
        all.extend(["--admin".to_owned(), admin]);
        bare(&all, self.folder.path(), &[]).await
    }

    pub(crate) async fn state(&self) -> State {
        let client = near().timeout(Duration::from_secs(10)).build();
        let url = format!("http://{}/api/v1/state", self.admin());
        let answer = client.unwrap().get(url).send().await.unwrap();
        answer.json().await.unwrap()
    }
}

/// Runs a command with nothing but these arguments and variables.
pub(crate) async fn bare(args: &[String], folder: &Path, env: &[(&str, &str)]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_figshift"));
    command
        .args(args)
        .current_dir(folder)
        .env_remove("FIGSHIFT_ADMIN")
        .env_remove("FIGSHIFT_TOKEN")
        .envs(env.iter().copied())
        .stdin(Stdio::null());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap());
    let Output {
        status,
        stdout,
        stderr,
    } = crate::support::soon("the command ends", output)
        .await
        .unwrap();
    Said {
        code: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

/// A command that goes on until it is told to end.
pub(crate) struct Lasting {
    child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
}

impl Lasting {
    pub(crate) fn start(args: &[String], folder: &Path) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_figshift"))
            .args(args)
            .current_dir(folder)
            .env_remove("FIGSHIFT_ADMIN")
            .env_remove("FIGSHIFT_TOKEN")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = collect(child.stdout.take().unwrap());
        let err = collect(child.stderr.take().unwrap());
        Self { child, out, err }
    }

    /// What it has said so far.
    pub(crate) fn out(&self) -> String {
        self.out.lock().unwrap().clone()
    }

    pub(crate) fn err(&self) -> String {
        self.err.lock().unwrap().clone()
    }

    /// Waits until it has said this.
    pub(crate) async fn says(&self, text: &str) {
        eventually(&format!("it says {text:?}"), || self.out().contains(text)).await;
    }

    /// Ctrl-C; gives the exit code.
    pub(crate) async fn interrupt(mut self) -> i32 {
        kill_process(Pid::from_child(&self.child), Signal::INT).unwrap();
        let mut code = None;
        eventually("it ends", || {
            code = self.child.try_wait().unwrap().map(|status| status.code());
            code.is_some()
        })
        .await;
        code.flatten().unwrap()
    }
}

impl Drop for Lasting {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn collect(mut from: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let text = Arc::new(Mutex::new(String::new()));
    let into = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut held = Vec::new();
        let mut some = [0; 4096];
        while let Ok(len @ 1..) = from.read(&mut some) {
            held.extend_from_slice(&some[..len]);
            *into.lock().unwrap() = String::from_utf8_lossy(&held).into_owned();
        }
    });
    text
}

/// The ports, from the line that says `Serving`.
fn addresses(log: &str) -> Option<(SocketAddr, SocketAddr)> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let find = |value: &Value, key: &str| -> Option<SocketAddr> {
        let place = value.get("fields").unwrap_or(value).get(key)?;
        place.as_str()?.parse().ok()
    };
    lines
        .filter_map(|line| Some((find(&line, "http")?, find(&line, "admin")?)))
        .next()
}
