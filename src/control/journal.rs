//! The journal: one line of JSON for each transition, on disk before it is in force. Each line
//! carries all overrides that hold after it, so the last whole line is the state: a torn last line
//! (a crash in the middle of a write) is cut off, and what was acknowledged before it still holds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::change::Actor;
use super::overrides::{Overrides, Stamp};

const NAME: &str = "journal.ndjson";
/// A longer journal is cut down to its last [`KEPT`] lines at the next start.
const LONGEST: u64 = 4 * 1024 * 1024;
const KEPT: usize = 1_000;

/// How the percent of a route moved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// Which route.
    pub route: String,
    /// Hundredths of a percent before.
    pub from: u16,
    /// And after.
    pub to: u16,
}

/// One transition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the entries.
    pub seq: u64,
    /// Of the snapshot that it led to.
    pub epoch: u64,
    /// What happened, in one word.
    pub what: String,
    /// To which route; all or none if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// A rollback that cut what was running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hard: bool,
    /// Who, when and why.
    #[serde(flatten)]
    pub stamp: Stamp,
    /// What it did to the traffic.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Move>,
    /// What is laid over the file after it.
    pub overrides: Overrides,
}

impl Entry {
    /// A start that has found a newer file.
    pub(super) fn of_start(overrides: &Overrides) -> Self {
        Self {
            seq: 0,
            epoch: 0,
            what: "start".to_owned(),
            route: None,
            hard: false,
            stamp: Stamp::now(Actor::File, ""),
            moves: Vec::new(),
            overrides: overrides.clone(),
        }
    }
}

/// The open journal.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// `None` when it cannot be written.
    file: Option<File>,
    next: u64,
    /// Bytes of whole lines.
    whole: u64,
}

/// The journal of a state folder.
pub fn journal_path(state_dir: &Path) -> PathBuf {
    state_dir.join(NAME)
}

impl Journal {
    /// Opens the journal of a state folder and gives what holds according to it. A journal that
    /// cannot be written is reported, and each append will fail.
    pub(super) fn open(state_dir: &Path) -> (Self, Overrides, io::Result<()>) {
        let path = journal_path(state_dir);
        let read = read_whole(&path);
        let (whole, last) = match &read {
            Ok((whole, last)) => (*whole, last.clone()),
            Err(_) => (0, None),
        };
        let mut journal = Self {
            path,
            file: None,
            next: last.as_ref().map_or(1, |entry| entry.seq + 1),
            whole,
        };
        let opened = match read {
            Ok(_) => journal.reopen(state_dir),
            Err(error) => Err(error),
        };
        let overrides = last.map(|entry| entry.overrides).unwrap_or_default();
        (journal, overrides, opened)
    }

    fn reopen(&mut self, state_dir: &Path) -> io::Result<()> {
        fs::create_dir_all(state_dir)?;
        if self.whole > LONGEST {
            self.compact()?;
        }
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&self.path)?;
        // What follows the last whole line was never acknowledged.
        file.set_len(self.whole)?;
        file.seek(SeekFrom::End(0))?;
        self.file = Some(file);
        Ok(())
    }

    /// Appends an entry and waits until it is on disk. Fills in its number.
    ///
    /// # Errors
    ///
    /// It is not on disk; the journal is as before.
    pub(super) fn append(&mut self, entry: &mut Entry) -> io::Result<()> {
        entry.seq = self.next;
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let file = self
            .file
            .as_mut()
            .ok_or_else(|| io::Error::other("the journal is not open"))?;
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line must not stand before the next one.
            file.set_len(self.whole)?;
            file.seek(SeekFrom::End(0))?;
            return Err(error);
        }
        self.whole += line.len() as u64;
        self.next += 1;
        Ok(())
    }

    fn compact(&mut self) -> io::Result<()> {
        let bytes = fs::read(&self.path)?;
        let whole = bytes.get(..self.whole as usize).unwrap_or_default();
        let whole = String::from_utf8_lossy(whole);
        let mut last: Vec<&str> = whole.lines().rev().take(KEPT).collect();
        last.reverse();
        let mut kept = last.join("\n");
        kept.push('\n');
        let beside = self.path.with_extension("new");
        let mut file = File::create(&beside)?;
        file.write_all(kept.as_bytes())?;
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        self.whole = kept.len() as u64;
        Ok(())
    }
}

/// The last `most` entries of a journal, oldest first. Lines that cannot be read are left out.
///
/// # Errors
///
/// The file cannot be read.
pub fn read_journal(path: &Path, most: usize) -> io::Result<Vec<Entry>> {
    let text = text_of(path)?;
    Ok(in_order(newest_first(&text).take(most)))
}

/// The entries of a journal that came after the one with this number, oldest first. Lines that
/// cannot be read are left out.
///
/// # Errors
///
/// The file cannot be read.
pub fn read_journal_after(path: &Path, seq: u64) -> io::Result<Vec<Entry>> {
    let text = text_of(path)?;
    Ok(in_order(
        newest_first(&text).take_while(|entry| entry.seq > seq),
    ))
}

fn text_of(path: &Path) -> io::Result<String> {
    match fs::read(path) {
        // A torn last line may end within a character.
        Ok(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}

fn newest_first(text: &str) -> impl Iterator<Item = Entry> {
    let lines = text.lines().rev();
    lines.filter_map(|line| serde_json::from_str(line).ok())
}

fn in_order(newest_first: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut entries: Vec<Entry> = newest_first.collect();
    entries.reverse();
    entries
}

/// The length of all whole lines from the start, and the last that can be read.
fn read_whole(path: &Path) -> io::Result<(u64, Option<Entry>)> {
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(mut file) => file.read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let (mut whole, mut last) = (0u64, None);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let Some(text) = line.strip_suffix(b"\n") else {
            break;
        };
        match serde_json::from_slice::<Entry>(text) {
            Ok(entry) => last = Some(entry),
            // Each line tells the whole state, so a spoilt one in the middle costs no other.
            Err(error) => tracing::error!(%error, "A line of the journal cannot be read"),
        }
        whole += line.len() as u64;
    }
    Ok((whole, last))
}

#[cfg(test)]
mod tests {
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
}
