//! A real nginx that answers each request with its name.

use std::fs::{self, File};
use std::io::Read as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Duration;

use super::process::Process;
use super::wait::{free_port, until};

const START: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Origin {
    port: u16,
    folder: PathBuf,
    process: Process,
    log: Mutex<Log>,
}

/// The access log, one line a request, as far as it is read.
#[derive(Debug)]
struct Log {
    file: File,
    lines: usize,
}

impl Origin {
    /// Where it sends [`events`], some at a time.
    pub(crate) const EVENTS: &str = "/events";

    /// Starts it, with its files in a new folder of its name.
    pub(crate) async fn start(name: &str, folder: &Path) -> Self {
        let servers = format!(
            r#"location / {{ return 200 "{name}\n"; }}
            location = {events} {{
                root {folder};
                default_type text/event-stream;
                limit_rate 1k;
            }}"#,
            events = Self::EVENTS,
            folder = folder.join(name).display()
        );
        Self::start_with(name, folder, |port| {
            format!("server {{ listen 127.0.0.1:{port} backlog=4096; {servers} }}")
        })
        .await
    }

    /// Starts one with this inside of `http`, where a server must listen at the port.
    pub(crate) async fn start_with(
        name: &str,
        folder: &Path,
        servers: impl Fn(u16) -> String,
    ) -> Self {
        let folder = folder.join(name);
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("events"), events()).unwrap();
        let port = free_port();
        fs::write(folder.join("nginx.conf"), conf(&servers(port), &folder)).unwrap();
        let process = launch(&folder, port).await;
        let log = Log {
            file: File::open(folder.join("access.log")).unwrap(),
            lines: 0,
        };
        Self {
            port,
            folder,
            process,
            log: Mutex::new(log),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Requests so far, by its access log.
    pub(crate) fn hits(&self) -> u64 {
        let mut log = self.log.lock().unwrap();
        let mut fresh = Vec::new();
        log.file.read_to_end(&mut fresh).unwrap();
        log.lines += fresh.iter().filter(|byte| **byte == b'\n').count();
        log.lines.try_into().unwrap()
    }

    /// `kill -9`: connections break as they stand.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Back again, on the same port and with the same log.
    pub(crate) async fn rise(&mut self) {
        self.process = launch(&self.folder, self.port).await;
    }
}

/// What is sent on [`Origin::EVENTS`]; it takes some 15 s.
pub(crate) fn events() -> String {
    let event = |n| format!("data: {{\"token\": {n}}}\n\n");
    (1000..1800).map(event).collect()
}

async fn launch(folder: &Path, port: u16) -> Process {
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(folder.join("nginx.conf"))
        .arg("-e")
        .arg(folder.join("error.log"));
    // Debian has it where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin"));
    let mut process = Process::start("nginx", &mut command, folder);
    until("nginx listens", START, async || {
        assert!(process.is_running(), "nginx has ended at once");
        TcpStream::connect(("127.0.0.1", port)).ok()
    })
    .await;
    process
}

fn conf(servers: &str, folder: &Path) -> String {
    let folder = folder.display();
    // Only a master that is root may choose the user of its workers, and must, for them to read
    // a folder that is root's.
    let user = if rustix::process::getuid().is_root() {
        "user root root;"
    } else {
        ""
    };
    format!(
        r#"{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{ worker_connections 4096; }}
http {{
    log_format hit "$request_method $status";
    access_log {folder}/access.log hit if=$request_method;
    client_body_temp_path {folder}/body;
    default_type text/plain;
    {servers}
}}
"#
    )
}
