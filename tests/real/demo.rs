//! `figshift demo` shows both sides at work and leaves when it should.

use std::time::Duration;

use rustix::process::Signal;

use super::house::figshift;
use super::process::Process;
use super::wait::until;

const START: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn a_demo_of_eight_seconds_shows_both_sides() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = figshift();
    command.args(["demo", "--for", "8s"]);
    let mut demo = Process::start("demo", &mut command, folder.path());
    let status = demo.ends_within(START).await;
    assert_eq!(status.code(), Some(0));
    let shown = demo.stdout();
    let last = shown.lines().rev().find(|line| !line.is_empty()).unwrap();
    println!("demo: {last}");
    for backend in ["legacy", "vastai"] {
        assert!(count_after(last, backend) > 0, "{last}");
    }
    assert!(last.ends_with(" 0 failed."), "{last}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs nginx, wrk, prometheus: tests/run"]
async fn ctrl_c_ends_the_demo() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = figshift();
    command.args(["demo", "--for", "5m"]);
    let mut demo = Process::start("demo", &mut command, folder.path());
    until("the first table", START, async || {
        demo.stdout().contains("REQUESTS").then_some(())
    })
    .await;
    demo.signal(Signal::INT);
    let status = demo.ends_within(Duration::from_secs(3)).await;
    assert_eq!(status.code(), Some(0));
    assert!(demo.stdout().contains("The demo is over"));
}

/// The number behind a word.
fn count_after(line: &str, word: &str) -> u64 {
    let (_, rest) = line.split_once(word).unwrap_or_else(|| panic!("{line}"));
    let digits = rest.trim_start();
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap();
    digits.get(..end).unwrap().parse().unwrap()
}
