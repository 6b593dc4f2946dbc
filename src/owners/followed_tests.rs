//! Since when the table learns by a rule.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use redb::{Database, TableDefinition};

use super::super::trouble::Trouble;
use super::super::words::{Opened, Settings};
use super::Owners;

const ABOUT: TableDefinition<'_, &str, u128> = TableDefinition::new("about");

fn open(folder: &Path, now: u32) -> (Arc<Owners>, Opened) {
    let settings = Settings {
        folder: Some(folder.to_owned()),
        capacity: 10_000,
        wait: Duration::ZERO,
    };
    Owners::open(settings, now)
}

/// What stands in the file of a folder that nobody has open, and changes it.
fn change_file(
    folder: &Path,
    change: impl FnOnce(&mut redb::Table<'_, &'static str, u128>),
) -> Vec<(String, u128)> {
    use redb::ReadableTable;
    let database = Database::open(folder.join("owners.redb")).unwrap();
    let writing = database.begin_write().unwrap();
    let mut table = writing.open_table(ABOUT).unwrap();
    change(&mut table);
    let rows = table.iter().unwrap().map(|row| {
        let (name, value) = row.unwrap();
        (name.value().to_owned(), value.value())
    });
    let rows = rows.filter(|(name, _)| name.starts_with("rule:")).collect();
    drop(table);
    writing.commit().unwrap();
    rows
}

#[test]
fn a_rule_keeps_its_time_over_restarts_and_one_that_came_back_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open(folder.path(), 100);
    assert_eq!(owners.since("jobs"), None, "not told yet");
    owners.follows(&["jobs"], 110);
    owners.follows(&["jobs", "clips"], 150);
    let times = |owners: &Owners| [owners.since("jobs"), owners.since("clips")];
    assert_eq!(times(&owners), [Some(110), Some(150)]);
    drop(owners);

    let (owners, opened) = open(folder.path(), 200);
    assert_eq!(opened.since, 100);
    owners.follows(&["clips", "jobs"], 201);
    assert_eq!(times(&owners), [Some(110), Some(150)]);
    // Out and back.
    owners.follows(&["jobs"], 210);
    assert_eq!(times(&owners), [Some(110), None]);
    owners.follows(&["jobs", "clips"], 220);
    assert_eq!(times(&owners), [Some(110), Some(220)]);
    // Out at the end, or at the start of the next one.
    owners.follows(&["clips"], 230);
    drop(owners);
    let (owners, _) = open(folder.path(), 300);
    owners.follows(&["jobs"], 301);
    assert_eq!(times(&owners), [Some(301), None]);
    drop(owners);
    assert_eq!(
        change_file(folder.path(), |_| ()),
        [("rule:jobs".to_owned(), 301)]
    );
}

#[test]
fn what_was_flushed_is_there_after_a_kill() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (owners, _) = open(folder.path(), 100);
    owners.follows(&["jobs", "clips"], 110);
    assert!(owners.flush());
    owners.follows(&["jobs"], 120);
    owners.follows(&["jobs", "clips"], 130);
    // Nothing else has changed.
    assert!(owners.flush());
    assert_eq!(owners.health().behind, 0);
    // As a kill leaves it: nothing was closed.
    for name in ["owners.redb", "owners.key"] {
        fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
    }
    let (killed, opened) = open(copy.path(), 500);
    assert!(opened.broken.is_none() && opened.memory_only.is_none());
    killed.follows(&["jobs", "clips"], 501);
    assert_eq!(
        [killed.since("jobs"), killed.since("clips")],
        [Some(110), Some(130)]
    );
}

#[test]
fn a_file_that_tells_of_no_rule_lets_them_begin_when_they_are_told() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path(), 100));
    assert_eq!(change_file(folder.path(), |_| ()), []);
    let (owners, opened) = open(folder.path(), 200);
    assert_eq!(opened.since, 100);
    owners.follows(&["jobs"], 201);
    assert_eq!(owners.since("jobs"), Some(201));
}

#[test]
fn a_damaged_time_begins_anew_and_spoils_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open(folder.path(), 100);
    owners.follows(&["early", "jobs", "late", "sound"], 110);
    drop(owners);
    change_file(folder.path(), |table| {
        table.insert("rule:early", 7).unwrap();
        table.insert("rule:jobs", u128::MAX).unwrap();
        table.insert("rule:late", 4_000_000_000).unwrap();
        table.insert("rule:", 3).unwrap();
    });
    let (owners, opened) = open(folder.path(), 200);
    assert!(opened.broken.is_none() && opened.since == 100);
    let all = ["early", "jobs", "late", "sound"];
    owners.follows(&all, 201);
    assert_eq!(
        all.map(|rule| owners.since(rule)),
        // Not before the table began, and not later than it is in force.
        [Some(100), Some(201), Some(201), Some(110)]
    );
    drop(owners);
    let rows = change_file(folder.path(), |_| ());
    assert_eq!(rows.len(), 4, "{rows:?}");
    assert_eq!(rows[1], ("rule:jobs".to_owned(), 201));
}

#[test]
fn a_lost_table_has_lost_the_times_too() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open(folder.path(), 100);
    owners.follows(&["jobs"], 100);
    drop(owners);
    fs::write(folder.path().join("owners.redb"), [0xa5; 10_000]).unwrap();
    let (owners, opened) = open(folder.path(), 200);
    assert!(opened.broken.is_some());
    owners.follows(&["jobs"], 201);
    assert_eq!(owners.since("jobs"), Some(201));
}

#[test]
fn many_rules_and_long_names_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let (owners, _) = open(folder.path(), 100);
    let (fits, too_long) = ("x".repeat(256), "x".repeat(257));
    let many: Vec<String> = (0..5_000).map(|n| format!("rule-{n}")).collect();
    let mut rules = vec!["", &*too_long, &*fits, "rule-0"];
    rules.extend(many.iter().map(|name| &**name));
    owners.follows(&rules, 110);
    assert_eq!(owners.since(""), None);
    assert_eq!(owners.since(&too_long), None);
    assert_eq!(owners.since(&fits), Some(110));
    let known = |owners: &Owners| many.iter().filter(|n| owners.since(n).is_some()).count();
    let before = known(&owners);
    assert!((4_000..4_096).contains(&before), "{before}");
    drop(owners);
    let (owners, _) = open(folder.path(), 200);
    owners.follows(&rules, 210);
    assert_eq!(known(&owners), before);
    assert_eq!(owners.since("rule-7"), Some(110));
    assert_eq!(owners.since("rule-4999"), None);
}

#[test]
fn a_successor_goes_on_with_what_its_predecessor_has_followed() {
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = open(folder.path(), 100);
    before.follows(&["jobs", "clips", "old"], 110);
    let (after, opened) = open(folder.path(), 200);
    assert!(matches!(opened.memory_only, Some(Trouble::Busy)));
    after.follows(&["jobs", "clips", "new"], 201);
    // This one has a gap, whatever the predecessor tells.
    after.follows(&["jobs", "new"], 202);
    after.follows(&["jobs", "clips", "new"], 203);
    let rules = ["jobs", "clips", "old", "new"];
    let times = |owners: &Owners| rules.map(|rule| owners.since(rule));
    assert_eq!(times(&after), [Some(201), Some(203), None, Some(201)]);
    before.release();
    after.sweep(210);
    assert!(after.flush());
    let expected = [Some(110), Some(203), None, Some(201)];
    assert_eq!(times(&after), expected);
    drop(after);
    let (again, _) = open(folder.path(), 300);
    again.follows(&["jobs", "clips", "new"], 301);
    assert_eq!(times(&again), expected);
}

#[test]
fn a_rule_that_a_released_process_has_let_go_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (before, _) = open(folder.path(), 100);
    before.follows(&["jobs", "clips"], 110);
    // Its successor did not come, and it goes on without the file.
    before.release();
    before.follows(&["jobs"], 150);
    drop(before);
    let (after, opened) = open(folder.path(), 200);
    assert_eq!(opened.late, 1);
    after.follows(&["jobs", "clips"], 201);
    let times = |owners: &Owners| [owners.since("jobs"), owners.since("clips")];
    assert_eq!(times(&after), [Some(110), Some(200)]);
    drop(after);
    let (again, _) = open(folder.path(), 300);
    again.follows(&["jobs", "clips"], 301);
    assert!(again.since("clips") >= Some(200));
}

#[test]
fn a_table_in_memory_waits_for_no_disk() {
    let owners = Owners::memory(10);
    owners.follows(&["jobs"], 50);
    let learned = super::super::words::Learned {
        rule: "jobs",
        id: b"a",
        backend: "vast",
        ttl: 1_000,
        origin: "POST /api/jobs",
        theirs: None,
    };
    owners.learn(learned, 100);
    assert_eq!(
        (owners.since("jobs"), owners.health().behind),
        (Some(50), 0)
    );
    let mut listed = Vec::new();
    owners.each_live("vast", 101, |one| listed.extend(one.id.map(str::to_owned)));
    assert_eq!(listed, ["a"], "its text is kept all the same");
    // One that should have a disk and has none does wait.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let (owners, opened) = open(&file, 100);
    assert!(opened.memory_only.is_some());
    owners.learn(learned, 100);
    assert_eq!(owners.health().behind, 1);
    owners.follows(&["jobs"], 100);
    assert_eq!(owners.health().behind, 2);
}

#[test]
fn a_folder_tells_whether_a_table_was_left_in_it() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!Owners::are_left_in(folder.path()));
    drop(open(folder.path(), 100));
    assert!(Owners::are_left_in(folder.path()));
}
