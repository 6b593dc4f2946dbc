//! A process that is killed in the middle of learning.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use super::super::words::{Learned, Opened, Settings};
use super::Owners;

const CHILD: &str = "FIGSHIFT_TEST_KILLED";
const KILLS: usize = 20;
const NOW: u32 = 1_000;

fn open(folder: &Path) -> (Arc<Owners>, Opened) {
    let settings = Settings {
        folder: Some(folder.to_owned()),
        capacity: 1_000_000,
        // A killed process gives its locks back when it has gone.
        wait: Duration::from_secs(60),
    };
    Owners::open(settings, NOW)
}

/// An id's owner changes with each generation of the process, and every third id is forgotten at last.
fn backend(generation: usize, n: usize) -> String {
    format!("backend-{}", (generation + n) % 3)
}

/// Runs in a process of its own, until it is killed: see the test below.
#[test]
fn child_that_is_killed() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let generation: usize = std::env::var("GENERATION").unwrap().parse().unwrap();
    let (owners, opened) = open(&PathBuf::from(folder));
    assert!(opened.memory_only.is_none() && opened.set_aside.is_none());
    let mut out = std::io::stdout();
    writeln!(out, "\nbegins").unwrap();
    for n in 0.. {
        // New ids, and ids that the last process knew as another's.
        let id = format!("id-{}", n % 3_000 + generation * 500);
        let backend = backend(generation, n % 3_000);
        let learned = Learned {
            rule: "jobs",
            id: id.as_bytes(),
            backend: &backend,
            ttl: 1_000,
            origin: "POST /api/jobs",
            theirs: None,
        };
        owners.learn(learned, NOW);
        if n % 100 == 99 && owners.flush() {
            writeln!(out, "\nflushed {n}").unwrap();
            out.flush().unwrap();
        }
    }
}

#[test]
fn what_was_flushed_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let name = concat!(module_path!(), "::child_that_is_killed");
    let name = name.split_once("::").unwrap().1;
    // What the last process is known to have written, over what those before it had.
    let mut certain: HashMap<String, String> = HashMap::new();
    for generation in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, folder.path())
            .env("GENERATION", generation.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // Killed after some flushes, each time at another moment of the next.
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let flushes = 1 + generation % 4;
        let acknowledged = (&mut said)
            .map(Result::unwrap)
            .filter(|line| line.starts_with("flushed"));
        let acknowledged: Vec<String> = acknowledged.take(flushes).collect();
        assert_eq!(acknowledged.len(), flushes, "the child ended by itself");
        for _ in 0..generation * 20_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // It may have written more, up to the kill, and told of it.
        let rest = said
            .map_while(Result::ok)
            .filter(|line| line.starts_with("flushed"));
        let last = acknowledged.into_iter().chain(rest).last().unwrap();
        let last: usize = last.trim_start_matches("flushed ").parse().unwrap();
        let of = |n: usize| {
            let id = format!("id-{}", n % 3_000 + generation * 500);
            (id, backend(generation, n % 3_000))
        };
        certain.extend((0..=last).map(of));

        let (owners, opened) = open(folder.path());
        assert!(
            opened.memory_only.is_none() && opened.set_aside.is_none(),
            "{opened:?}"
        );
        let maybe: HashMap<String, String> = (0..3_000).map(of).collect();
        for (id, backend) in &certain {
            let found = owners.find("jobs", id.as_bytes(), NOW);
            let found = found.map(|found| found.backend.to_string());
            let is_newer = found.is_some() && found.as_ref() == maybe.get(id);
            assert!(
                found.as_ref() == Some(backend) || is_newer,
                "{id}: {found:?}"
            );
        }
        // What was written and not told of is right as well.
        let known: usize = (0..14_000)
            .filter(|n| {
                let id = format!("id-{n}");
                let found = owners.find("jobs", id.as_bytes(), NOW);
                let found = found.map(|found| found.backend.to_string());
                if let Some(found) = &found {
                    let allowed = [certain.get(&id), maybe.get(&id)];
                    assert!(allowed.contains(&Some(found)), "{id}: {found}");
                    certain.insert(id, found.clone());
                }
                found.is_some()
            })
            .count();
        assert_eq!(known, owners.health().entries);
    }
}
