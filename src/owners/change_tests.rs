//! What is written of what has changed.

use std::sync::atomic::Ordering::Relaxed;

use super::super::shard::MOST_PENDING;
use super::super::words::{Learned, Learnt};
use super::*;

fn table() -> Table {
    // One shard.
    let table = Table::new(super::super::key::Secret::random(), 10_000, 0);
    table.keeps.store(true, Relaxed);
    table
}

fn learn(table: &Table, id: &str, theirs: Option<&str>) -> Learnt {
    let learned = Learned {
        rule: "jobs",
        id: id.as_bytes(),
        backend: "vast",
        ttl: 1_000,
        origin: "POST /api/jobs",
        theirs,
    };
    table.learn(&learned, 100)
}

fn row(id: &[u8]) -> Row<'_> {
    Row {
        created: 50,
        expires: 1_050,
        ttl: 1_000,
        done: false,
        rule: "jobs",
        backend: "legacy",
        id,
        origin: "",
        theirs: "",
    }
}

fn batches(table: &Table) -> Vec<Batch> {
    let all = 0..table.shards();
    all.filter_map(|shard| Batch::take(table, shard)).collect()
}

#[test]
fn what_could_not_be_written_waits_as_before() {
    let table = table();
    for n in 0..200_000 {
        learn(&table, &n.to_string(), None);
    }
    let behind = table.behind();
    assert!(behind >= 10_000, "whole shards: {behind}");
    let taken = batches(&table);
    assert_eq!(table.behind(), 0);
    learn(&table, "meanwhile", None);
    for batch in taken {
        batch.put_back(&table);
    }
    assert!(table.behind() >= behind);
    for shard in 0..table.shards() {
        assert!(table.shard(shard).whole);
    }
    let told: usize = (0..table.shards())
        .map(|shard| {
            let pending = &table.shard(shard).pending;
            pending.values().filter(|told| told.is_some()).count()
        })
        .sum();
    let noted = MOST_PENDING * table.shards();
    assert!(told > 0 && told <= noted + 1, "{told} of {noted}");
}

#[test]
fn a_row_is_taken_over_unless_memory_knows_better() {
    let table = table();
    let key = |id: &[u8]| table.secret().key("jobs", id);
    let take_in = |id: &[u8]| table.take_in(key(id), &row(id), false, 100);
    learn(&table, "known", None);
    learn(&table, "gone", None);
    assert!(table.forget("jobs", b"gone"));
    drop(batches(&table));
    assert!(!take_in(b"known"));
    assert!(take_in(b"gone"), "what waits no longer is not remembered");
    assert!(table.forget("jobs", b"gone"));
    assert!(!take_in(b"gone"), "its removal waits");
    assert!(take_in(b"other"));
    assert_eq!(table.len(), 2);
    drop(batches(&table));
    table.mark_all();
    assert!(!take_in(b"stale"), "it may have been removed");
    assert!(table.take_in(key(b"first"), &row(b"first"), true, 100));
    assert_eq!(table.len(), 3);
}

#[test]
fn no_way_back_is_left_of_what_is_gone() {
    let table = table();
    for n in 0..100 {
        learn(&table, "a", Some(&format!("remote-{n}")));
        learn(&table, "b", Some("one"));
    }
    assert_eq!(table.ways_back(), 2);
    assert!(table.forget("jobs", b"a"));
    assert_eq!(table.ways_back(), 1);
    assert_eq!(table.original("jobs", "vast", "one").as_deref(), Some("b"));
    // The same id at the owner is given to another one of ours.
    learn(&table, "c", Some("one"));
    assert!(table.forget("jobs", b"b"));
    assert_eq!(table.original("jobs", "vast", "one").as_deref(), Some("c"));
}
