//! What a table still knows after a restart, and when another process takes its place.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::ReadableTable;

use super::super::trouble::Trouble;
use super::super::words::{Learned, Opened, Settings};
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

fn listed(owners: &Owners, backend: &str, now: u32) -> BTreeMap<String, String> {
    let mut listed = BTreeMap::new();
    owners.each_live(backend, now, |one| {
        let id = one.id.unwrap_or("?").to_owned();
        listed.insert(id, one.origin.to_owned());
    });
    listed
}

#[test]
fn all_is_known_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, opened) = open(folder.path(), 100);
    assert!(opened.memory_only.is_none() && opened.set_aside.is_none());
    owners.learn(job("a", "legacy"), 110);
    let theirs = Some("remote-b");
    owners.learn(
        Learned {
            theirs,
            ..job("b", "vast")
        },
        120,
    );
    owners.learn(job("c", "vast"), 130);
    owners.learn(job("moved", "legacy"), 130);
    owners.learn(
        Learned {
            origin: "",
            ..job("moved", "vast")
        },
        135,
    );
    owners.learn(job("forgotten", "vast"), 130);
    owners.learn(
        Learned {
            ttl: 5,
            ..job("short", "vast")
        },
        130,
    );
    owners.learn(
        Learned {
            id: b"\xff\xfe",
            ..job("", "vast")
        },
        130,
    );
    assert!(owners.flush());
    assert!(owners.health().on_disk && owners.health().behind == 0);
    assert!(owners.finish("jobs", b"c", 140));
    assert!(owners.forget("jobs", b"forgotten", 140));
    drop(owners);

    let (owners, opened) = open(folder.path(), 300);
    assert_eq!((opened.entries, opened.expired, opened.since), (5, 1, 100));
    assert!(opened.memory_only.is_none() && opened.set_aside.is_none());
    assert_eq!(owner(&owners, "a", 300).as_deref(), Some("legacy"));
    assert_eq!(owner(&owners, "moved", 300).as_deref(), Some("vast"));
    assert_eq!(owner(&owners, "forgotten", 300), None);
    assert_eq!(owner(&owners, "short", 300), None);
    let b = owners.find("jobs", b"b", 300).unwrap();
    assert_eq!((b.theirs.as_deref(), b.created), (Some("remote-b"), 120));
    assert!(owners.find("jobs", b"c", 300).unwrap().done);
    assert!(owners.find("jobs", b"\xff\xfe", 300).is_some());
    let original = owners.original("jobs", "vast", "remote-b");
    assert_eq!(original.as_deref(), Some("b"));
    let made = "POST /api/jobs".to_owned();
    let expected = ["b", "moved", "\u{fffd}\u{fffd}"].map(|id| (id.to_owned(), made.clone()));
    // Before and after the refreshed times to live are on disk.
    assert_eq!(
        listed(&owners, "vast", 300),
        BTreeMap::from(expected.clone())
    );
    assert!(owners.flush());
    assert_eq!(listed(&owners, "vast", 300), BTreeMap::from(expected));
}

#[test]
fn only_its_user_can_read_it() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), 100));
    for name in ["owners.redb", "owners.key"] {
        let about = fs::metadata(folder.path().join(name)).unwrap();
        assert_eq!(about.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[test]
fn what_was_evicted_is_remembered_as_missing() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open_with(folder.path(), 100, Duration::ZERO, 2);
    for id in ["a", "b", "c"] {
        owners.learn(job(id, "vast"), 100);
    }
    let health = owners.health();
    assert_eq!((health.entries, health.evicted_live), (2, 1));
    drop(owners);
    let (owners, opened) = open(folder.path(), 200);
    assert_eq!(opened.entries, 2);
    assert_eq!(owners.health().blind_until, 1_100);
}

#[test]
fn more_changes_than_are_noted_one_by_one_reach_the_disk_too() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open_with(folder.path(), 100, Duration::ZERO, 200);
    // One shard, and more in it than it holds or notes, faster than it is written.
    for n in 0..20_000 {
        owners.learn(job(&n.to_string(), "vast"), 100);
    }
    assert!(owners.flush());
    let mut known: Vec<u32> = (0..20_000).collect();
    known.retain(|n| owner(&owners, &n.to_string(), 101).is_some());
    assert_eq!(known.len(), 200);
    drop(owners);
    let (owners, opened) = open_with(folder.path(), 102, Duration::ZERO, 10_000);
    assert_eq!(opened.entries, 200);
    for n in &known {
        assert_eq!(owner(&owners, &n.to_string(), 102).as_deref(), Some("vast"));
    }
    // A use brings back the text that was lost.
    assert!(owners.flush());
    let expected: Vec<String> = known.iter().map(u32::to_string).collect();
    let mut found: Vec<String> = listed(&owners, "vast", 103).into_keys().collect();
    found.sort_by_key(|id| id.parse::<u32>().unwrap_or(u32::MAX));
    assert_eq!(found, expected);
}

#[test]
fn an_id_with_another_at_its_owner_never_loses_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open_with(folder.path(), 100, Duration::ZERO, 255);
    let pairs: Vec<[String; 2]> = (0..9_000)
        .map(|n| [format!("our-{n}"), format!("their-{n}")])
        .collect();
    for [ours, theirs] in &pairs {
        let theirs = Some(&**theirs);
        owners.learn(
            Learned {
                theirs,
                ..job(ours, "vast")
            },
            100,
        );
    }
    let both_ways = |owners: &Owners| {
        let original = |theirs: &str| owners.original("jobs", "vast", theirs);
        let found = pairs.iter().filter(|[ours, theirs]| {
            let found = owners.table.created("jobs", ours.as_bytes()).is_some();
            assert_eq!(original(theirs).is_some(), found);
            found && original(theirs).as_deref() == Some(&**ours)
        });
        found.count()
    };
    assert_eq!(both_ways(&owners), 255);
    drop(owners);
    let (owners, _) = open_with(folder.path(), 101, Duration::ZERO, 255);
    assert_eq!(both_ways(&owners), 255);
    assert_eq!(listed(&owners, "vast", 101).len(), 255);
}

#[test]
fn a_table_of_another_format_is_moved_aside() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("owners.redb");
    let (owners, _) = open(folder.path(), 100);
    owners.learn(job("a", "legacy"), 100);
    drop(owners);
    let database = redb::Database::open(&path).unwrap();
    let writing = database.begin_write().unwrap();
    let about = redb::TableDefinition::<&str, u128>::new("about");
    let mut table = writing.open_table(about).unwrap();
    assert!(table.get("format").unwrap().is_some());
    table.insert("format", 99).unwrap();
    drop(table);
    writing.commit().unwrap();
    drop(database);
    let (owners, opened) = open(folder.path(), 200);
    assert!(matches!(opened.broken, Some(Trouble::Format(99))));
    assert!(opened.set_aside.is_some_and(|aside| aside.exists()));
    assert_eq!((opened.entries, opened.since), (0, 200));
    assert!(owners.health().on_disk);
}
