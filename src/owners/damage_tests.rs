//! Files that are damaged, folders that cannot be used, a disk that is full.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::super::words::{Learned, Opened, Settings};
use super::Owners;

fn open(folder: &Path, now: u32) -> (Arc<Owners>, Opened) {
    let settings = Settings {
        folder: Some(folder.to_owned()),
        capacity: 100_000,
        wait: Duration::ZERO,
    };
    Owners::open(settings, now)
}

fn learn(owners: &Owners, n: usize, now: u32) {
    let id = format!("5f0c3b1e-0000-4000-8000-{n:012}");
    let learned = Learned {
        rule: "jobs",
        id: id.as_bytes(),
        backend: backend(n),
        ttl: 100_000,
        origin: "POST /api/jobs",
        theirs: None,
    };
    owners.learn(learned, now);
}

fn backend(n: usize) -> &'static str {
    ["legacy", "vast"][n % 2]
}

fn owner(owners: &Owners, n: usize, now: u32) -> Option<Arc<str>> {
    let id = format!("5f0c3b1e-0000-4000-8000-{n:012}");
    owners
        .find("jobs", id.as_bytes(), now)
        .map(|found| found.backend)
}

/// A table of 2 000 entries, closed.
fn filled() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open(folder.path(), 100);
    for n in 0..2_000 {
        learn(&owners, n, 100);
    }
    assert!(owners.flush());
    drop(owners);
    let path = folder.path().join("owners.redb");
    let bytes = fs::read(&path).unwrap();
    (folder, path, bytes)
}

/// Opens what stands there. Whatever it is: a table comes of it, and what it knows is right.
fn check(folder: &Path, what: &str) -> bool {
    let (owners, opened) = open(folder, 200);
    assert!(opened.memory_only.is_none(), "{what}: {opened:?}");
    assert_eq!(
        opened.set_aside.is_some(),
        opened.broken.is_some(),
        "{what}"
    );
    let known = (0..2_000).filter(|n| match owner(&owners, *n, 200) {
        Some(found) => {
            assert_eq!(&*found, backend(*n), "{what}");
            true
        }
        None => false,
    });
    let known = known.count();
    let since = owners.health().since;
    if known < 2_000 {
        assert_eq!((known, since), (0, 200), "{what}: {opened:?}");
    } else {
        assert_eq!(since, 100, "{what}");
    }
    learn(&owners, 5_000, 200);
    assert!(owners.flush(), "{what}");
    drop(owners);
    let (owners, _) = open(folder, 201);
    assert!(owner(&owners, 5_000, 201).is_some(), "{what}");
    opened.set_aside.is_some()
}

#[test]
fn a_truncated_file_is_moved_aside() {
    let (folder, path, bytes) = filled();
    for len in [
        1,
        9,
        319,
        320,
        4_095,
        4_096,
        5_000,
        bytes.len() / 2,
        bytes.len() - 1,
    ] {
        fs::write(&path, &bytes[..len]).unwrap();
        assert!(check(folder.path(), &format!("{len} bytes")));
    }
    let asides = fs::read_dir(folder.path()).unwrap().filter(|found| {
        let name = found.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("owners.redb.broken-200")
    });
    assert_eq!(asides.count(), 9);
}

#[test]
fn garbage_is_moved_aside_and_nothing_is_a_new_table() {
    let (folder, path, bytes) = filled();
    fs::write(&path, vec![0xa5; bytes.len()]).unwrap();
    assert!(check(folder.path(), "garbage"));
    fs::write(&path, vec![0; bytes.len()]).unwrap();
    assert!(check(folder.path(), "zeros"));
    let mut headless = bytes.clone();
    headless[..4_096].fill(0x11);
    fs::write(&path, &headless).unwrap();
    assert!(check(folder.path(), "no header"));
    let mut bodyless = bytes.clone();
    bodyless[4_096..].fill(0x11);
    fs::write(&path, &bodyless).unwrap();
    assert!(check(folder.path(), "no pages"));
    fs::write(&path, b"").unwrap();
    assert!(!check(folder.path(), "nothing"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(check(folder.path(), "a folder"));
}

#[test]
fn flipped_bits_are_noticed_or_do_no_harm() {
    let (folder, path, bytes) = filled();
    let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
    let mut moved = 0;
    for round in 0..150 {
        let mut flipped = bytes.clone();
        let mut places = Vec::new();
        for _ in 0..=round % 4 {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            // Every third time in the header.
            let end = if round % 3 == 0 {
                320
            } else {
                bytes.len() as u64
            };
            let at = (draw >> 8) % end;
            flipped[at as usize] ^= 1 << (draw % 8);
            places.push(at);
        }
        fs::write(&path, &flipped).unwrap();
        moved += usize::from(check(folder.path(), &format!("bits at {places:?}")));
    }
    assert!(moved > 20, "{moved}");
}

#[test]
fn a_folder_that_cannot_be_used_leaves_it_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let (owners, opened) = open(&file.join("state"), 100);
    assert!(opened.memory_only.is_some() && opened.set_aside.is_none());
    learn(&owners, 1, 100);
    assert_eq!(owner(&owners, 1, 101).as_deref(), Some("vast"));
    assert!(!owners.flush());
    assert!(!owners.health().on_disk);
    // It gets better, and a sweep notices.
    fs::remove_file(&file).unwrap();
    owners.sweep(102);
    assert!(owners.flush());
    assert!(owners.health().on_disk);
    drop(owners);
    let (owners, opened) = open(&file.join("state"), 103);
    assert_eq!((opened.entries, opened.since), (1, 100));
    assert_eq!(owner(&owners, 1, 103).as_deref(), Some("vast"));
}

const CHILD: &str = "FIGSHIFT_TEST_FULL_DISK";

/// Runs in a process of its own, since the limit is the process's: see the test below.
#[test]
fn child_whose_disk_is_full() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let folder = PathBuf::from(folder);
    let (owners, opened) = open(&folder, 100);
    assert!(opened.memory_only.is_none(), "{opened:?}");
    let mut count = 0;
    while owners.health().write_errors == 0 {
        assert!(count < 100_000, "the disk is never full");
        for _ in 0..500 {
            learn(&owners, count, 100);
            count += 1;
        }
        owners.flush();
    }
    assert!(!owners.health().on_disk);
    // More than is noted one by one.
    let full_at = count;
    while count < full_at + 20_000 {
        learn(&owners, count, 101);
        count += 1;
    }
    owners.sweep(101);
    assert!(!owners.flush());
    for n in 0..count {
        assert_eq!(owner(&owners, n, 102).as_deref(), Some(backend(n)));
    }
    let hard = getrlimit(Resource::Fsize).maximum;
    let open_again = Rlimit {
        current: hard,
        maximum: hard,
    };
    setrlimit(Resource::Fsize, open_again).unwrap();
    owners.sweep(1_000);
    assert!(owners.flush(), "{:?}", owners.health());
    assert!(owners.health().on_disk && owners.health().behind == 0);
    assert_eq!(owners.health().entries, count);
    drop(owners);
    let (owners, opened) = open(&folder, 1_001);
    assert_eq!((opened.entries, opened.since), (count, 100));
    for n in 0..count {
        assert_eq!(owner(&owners, n, 1_001).as_deref(), Some(backend(n)));
    }
    writeln!(std::io::stdout(), "all {count} are there").unwrap();
}

#[test]
fn a_full_disk_costs_nothing_once_there_is_room_again() {
    let folder = tempfile::tempdir().unwrap();
    let name = concat!(module_path!(), "::child_whose_disk_is_full");
    let name = name.split_once("::").unwrap().1;
    // The signal of a too large file is ignored, so that the write fails as it would on a full disk.
    let script = r#"trap "" XFSZ; ulimit -S -f 8000; exec "$0" --exact "$1" --nocapture"#;
    let ran = Command::new("sh")
        .args(["-c", script])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    let complained = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}{complained}");
    assert!(said.contains("are there"), "{said}{complained}");
}
