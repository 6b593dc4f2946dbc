//! wrk: many connections, each with one request after the other.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;

use super::process::Process;

const SLACK: Duration = Duration::from_secs(30);

/// A running wrk.
#[derive(Debug)]
pub(crate) struct Load {
    process: Process,
    limit: Duration,
}

/// What it saw.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) requests: u64,
    /// Answers other than 2xx and 3xx.
    pub(crate) refused: u64,
    /// Connections, reads, writes and waits that failed.
    pub(crate) broken: u64,
}

impl Load {
    /// GETs until told to stop, or at the latest when the time is up.
    pub(crate) fn start(url: &str, connections: u32, limit: Duration, folder: &Path) -> Self {
        let mut command = Command::new("wrk");
        let seconds = format!("{}s", limit.as_secs());
        let connections = connections.to_string();
        command.args(["--threads", "2", "--timeout", "10s"]);
        command.args(["--connections", &connections, "--duration", &seconds, url]);
        Self {
            process: Process::start("wrk", &mut command, folder),
            limit,
        }
    }

    /// Waits until the time is up.
    pub(crate) async fn end(mut self) -> Seen {
        let status = self.process.ends_within(self.limit + SLACK).await;
        assert!(status.success(), "wrk: {status}");
        Seen::read(&self.process.stdout())
    }

    /// Tells it to stop.
    pub(crate) async fn stop(mut self) -> Seen {
        assert!(self.process.is_running(), "wrk has ended before its time");
        self.process.signal(Signal::INT);
        self.end().await
    }
}

impl Seen {
    fn read(report: &str) -> Self {
        let mut seen = Self::default();
        let number = |word: &str| -> u64 { word.trim_end_matches(',').parse().unwrap() };
        for line in report.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                [requests, "requests", "in", ..] => seen.requests = number(requests),
                ["Non-2xx", "or", "3xx", "responses:", refused] => seen.refused = number(refused),
                [
                    "Socket",
                    "errors:",
                    _,
                    connect,
                    _,
                    read,
                    _,
                    write,
                    _,
                    timeout,
                ] => {
                    let all = [connect, read, write, timeout].map(number);
                    seen.broken = all.iter().sum();
                }
                _ => {}
            }
        }
        assert!(seen.requests > 0, "wrk has done nothing:\n{report}");
        seen
    }

    pub(crate) fn failed(&self) -> u64 {
        self.refused + self.broken
    }
}

#[test]
fn a_report_is_read() {
    let seen = Seen::read(
        "  12345 requests in 5.01s, 2.00MB read\n  \
         Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 7\n",
    );
    assert_eq!((seen.requests, seen.broken, seen.refused), (12345, 10, 7));
}
