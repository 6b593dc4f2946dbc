//! One process takes the place of another.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use super::super::trouble::Trouble;
use super::super::words::{Learned, Learnt, Opened, Settings};
use super::Owners;

fn open(folder: &Path, now: u32) -> (Arc<Owners>, Opened) {
    open_with(folder, now, Duration::ZERO, 10_000)
}

fn open_with(folder: &Path, now: u32, wait: Duration, capacity: usize) -> (Arc<Owners>, Opened) {
    let folder = Some(folder.to_owned());
    Owners::open(
        Settings {
            folder,
            capacity,
            wait,
        },
        now,
    )
}

fn job<'a>(id: &'a str, backend: &'a str) -> Learned<'a> {
    Learned {
        rule: "jobs",
        id: id.as_bytes(),
        backend,
        ttl: 1_000,
        origin: "POST /api/jobs",
        theirs: None,
    }
}

fn owner(owners: &Owners, id: &str, now: u32) -> Option<String> {
    let found = owners.find("jobs", id.as_bytes(), now)?;
    Some(found.backend.to_string())
}

#[test]
fn a_successor_sees_what_its_predecessor_learns_after_the_release() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("owners.late");
    let (before, _) = open(folder.path(), 100);
    before.learn(job("early", "legacy"), 100);
    // It does not wait for a file that is not let go.
    let (alone, opened) = open(folder.path(), 101);
    assert!(matches!(opened.memory_only, Some(Trouble::Busy)));
    assert_eq!(owner(&alone, "early", 101), None);
    assert!(!alone.health().on_disk);
    drop(alone);

    let after = std::thread::scope(|scope| {
        let successor = scope.spawn(|| {
            let wait = Duration::from_secs(600);
            open_with(folder.path(), 102, wait, 10_000)
        });
        before.release();
        successor.join().unwrap()
    });
    let (after, opened) = after;
    assert!(opened.memory_only.is_none());
    assert_eq!(owner(&after, "early", 102).as_deref(), Some("legacy"));

    before.learn(job("late", "vast"), 103);
    before.learn(
        Learned {
            id: b"\xff",
            ..job("", "vast")
        },
        103,
    );
    assert!(before.finish("jobs", b"early", 103));
    assert_eq!(before.health().late_lines, 3);
    after.learn(job("both", "legacy"), 110);
    before.learn(job("both", "vast"), 109);
    after.sweep(111);
    assert_eq!(owner(&after, "late", 111).as_deref(), Some("vast"));
    assert!(after.find("jobs", b"\xff", 111).is_some());
    assert!(after.find("jobs", b"early", 111).unwrap().done);
    assert_eq!(
        owner(&after, "both", 111).as_deref(),
        Some("legacy"),
        "the newer holds"
    );
    assert_eq!(after.health().late_lines, 4);

    assert!(after.flush());
    after.sweep(112);
    assert!(!late.exists(), "it is used up");
    before.learn(job("later", "vast"), 113);
    assert!(late.exists());
    drop(before);
    drop(after);
    let (again, opened) = open(folder.path(), 114);
    assert_eq!((opened.entries, opened.late), (4, 1));
    assert_eq!(owner(&again, "later", 114).as_deref(), Some("vast"));
}

#[test]
fn a_file_that_gets_free_later_is_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = open(folder.path(), 100);
    before.learn(job("old", "legacy"), 100);
    before.learn(job("moved", "legacy"), 100);
    let (after, opened) = open(folder.path(), 150);
    assert_eq!(opened.since, 150);
    assert_eq!(after.learn(job("moved", "vast"), 151), Learnt::New);
    before.release();
    after.sweep(152);
    assert!(after.flush());
    assert!(after.health().on_disk);
    assert_eq!(after.health().since, 100);
    assert_eq!(owner(&after, "old", 152).as_deref(), Some("legacy"));
    assert_eq!(owner(&after, "moved", 152).as_deref(), Some("vast"));
    drop(after);
    let (again, opened) = open(folder.path(), 160);
    assert_eq!(opened.entries, 2);
    assert_eq!(owner(&again, "moved", 160).as_deref(), Some("vast"));
}

#[test]
fn what_a_process_without_the_file_has_learned_outlives_it() {
    let folder = tempfile::tempdir().unwrap();
    let (first, _) = open(folder.path(), 100);
    let (other, opened) = open(folder.path(), 101);
    assert!(opened.memory_only.is_some());
    other.learn(job("a", "vast"), 101);
    other.learn(job("b", "legacy"), 101);
    other.finish("jobs", b"b", 101);
    drop(other);
    first.sweep(102);
    assert_eq!(owner(&first, "a", 102).as_deref(), Some("vast"));
    assert!(first.find("jobs", b"b", 102).unwrap().done);
}

#[test]
fn a_spoilt_late_line_is_told_and_spoils_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = open(folder.path(), 100);
    before.learn(job("a", "legacy"), 100);
    before.release();
    // A line that was torn by a crash.
    fs::write(folder.path().join("owners.late"), "{\"what\":\"lear").unwrap();
    before.learn(job("b", "vast"), 101);
    let (after, opened) = open(folder.path(), 102);
    assert_eq!(opened.late, 2);
    assert_eq!(owner(&after, "b", 102).as_deref(), Some("vast"));
    assert_eq!(after.health().blind_until, 1_102);
}

#[test]
fn no_line_is_lost_between_a_writer_and_a_reader_that_removes_the_file() {
    const LINES: usize = 400;
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = open(folder.path(), 100);
    before.release();
    let (after, opened) = open(folder.path(), 100);
    assert!(opened.memory_only.is_none());
    let has_ended = AtomicBool::new(false);
    let late = folder.path().join("owners.late");
    let removals = std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..LINES {
                before.learn(job(&n.to_string(), "vast"), 101);
            }
            has_ended.store(true, Relaxed);
        });
        let mut removals = 0;
        while !has_ended.load(Relaxed) || late.exists() {
            let was_there = late.exists();
            after.sweep(102);
            assert!(after.flush());
            removals += usize::from(was_there && !late.exists());
        }
        removals
    });
    assert!(removals > 0);
    assert_eq!(before.health().late_lines, LINES as u64);
    assert_eq!(before.health().write_errors, 0);
    for n in 0..LINES {
        assert_eq!(
            owner(&after, &n.to_string(), 103).as_deref(),
            Some("vast"),
            "{n}"
        );
    }
}

#[test]
fn lines_stay_until_they_are_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let late = folder.path().join("owners.late");
    let (first, _) = open(folder.path(), 100);
    let (other, _) = open(folder.path(), 100);
    other.learn(job("a", "vast"), 101);
    drop(other);
    let (third, opened) = open(folder.path(), 102);
    assert!(matches!(opened.memory_only, Some(Trouble::Busy)));
    assert_eq!(opened.late, 1);
    for now in 103..110 {
        third.sweep(now);
        assert!(!third.flush());
        assert!(late.exists(), "it is in memory only");
    }
    drop(first);
    third.sweep(110);
    assert!(third.flush());
    while late.exists() {
        third.sweep(111);
        assert!(third.flush());
    }
    assert_eq!(owner(&third, "a", 111).as_deref(), Some("vast"));
}
