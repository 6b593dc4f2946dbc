//! The journal torn, cut down, and without a place.

use std::fs;

use super::*;

fn entry(n: u16) -> Entry {
    let mut overrides = Overrides::default();
    overrides.roll_back(Some(&format!("route-{n}")), Stamp::now("test", "why"));
    Entry {
        seq: 0,
        epoch: u64::from(n),
        what: "rollback".to_owned(),
        route: None,
        hard: n.is_multiple_of(2),
        stamp: Stamp::now("test", ""),
        moves: vec![Move {
            route: "x".to_owned(),
            from: n,
            to: 0,
        }],
        overrides,
    }
}

#[test]
fn torn_at_every_byte_the_last_acknowledged_state_holds() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path();
    let (mut journal, _, opened) = Journal::open(state);
    opened.unwrap();
    let mut ends = vec![0u64];
    let mut states = vec![Overrides::default()];
    for n in 1..=3 {
        let mut entry = entry(n);
        journal.append(&mut entry).unwrap();
        assert_eq!(entry.seq, u64::from(n));
        ends.push(journal.whole);
        states.push(entry.overrides);
    }
    let all = fs::read(journal_path(state)).unwrap();
    for cut in 0..=all.len() {
        fs::write(journal_path(state), &all[..cut]).unwrap();
        let (mut journal, overrides, opened) = Journal::open(state);
        opened.unwrap();
        let acknowledged = ends.iter().filter(|end| **end <= cut as u64).count() - 1;
        assert_eq!(overrides, states[acknowledged], "cut at {cut}");
        let mut next = entry(9);
        journal.append(&mut next).unwrap();
        assert_eq!(next.seq, acknowledged as u64 + 1);
        let (_, overrides, _) = Journal::open(state);
        assert_eq!(overrides, next.overrides, "cut at {cut}");
    }
}

#[test]
fn a_long_journal_is_cut_down_and_keeps_its_state() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _, opened) = Journal::open(folder.path());
    opened.unwrap();
    for n in 0..1_500 {
        journal.append(&mut entry(n)).unwrap();
    }
    journal.compact().unwrap();
    let (journal, overrides, opened) = Journal::open(folder.path());
    opened.unwrap();
    assert_eq!(overrides, entry_state(1_499, &overrides));
    assert_eq!(journal.next, 1_501);
    assert_eq!(read_journal(&journal.path, 5_000).unwrap().len(), KEPT);
    let after = |seq| read_journal_after(&journal.path, seq).unwrap();
    let seqs: Vec<u64> = after(1_498).iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, [1_499, 1_500]);
    assert_eq!(
        (after(1_500).len(), after(9_999).len(), after(0).len()),
        (0, 0, KEPT)
    );
}

#[test]
fn a_journal_does_not_grow_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (mut journal, _, opened) = Journal::open(folder.path());
    opened.unwrap();
    let mut long = entry(1);
    long.stamp.reason = "x".repeat(100_000);
    for n in 1..=100 {
        journal.append(&mut long).unwrap();
        assert_eq!(long.seq, n);
    }
    let length = fs::metadata(journal_path(folder.path())).unwrap().len();
    assert_eq!(length, journal.whole);
    assert!((LONGEST / 3..=LONGEST).contains(&length), "{length}");
    let entries = read_journal(&journal.path, 5_000).unwrap();
    assert!(entries.len() > 20, "{}", entries.len());
    let mut short = entry(2);
    journal.append(&mut short).unwrap();
    let (_, overrides, _) = Journal::open(folder.path());
    assert_eq!(overrides, short.overrides);
}

/// The state of the n-th entry, with the times of the one that was read.
fn entry_state(n: u16, read: &Overrides) -> Overrides {
    let mut state = entry(n).overrides;
    for (name, over) in &mut state.routes {
        over.rollback.clone_from(&read.of(name).rollback);
    }
    state
}

#[test]
fn a_folder_that_cannot_be_written_is_told_and_survived() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("file");
    fs::write(&blocked, "").unwrap();
    let (mut journal, overrides, opened) = Journal::open(&blocked);
    assert!(opened.is_err());
    assert_eq!(overrides, Overrides::default());
    assert!(journal.append(&mut entry(1)).is_err());
}
