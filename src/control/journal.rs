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
/// A longer journal is cut down to its last [`KEPT`] lines, or to what fits into half of this.
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
    /// What is laid over the file after it; in an old line left out, since a newer one tells it.
    #[serde(default)]
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
        self.open_file()
    }

    fn open_file(&mut self) -> io::Result<()> {
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

    /// Lets another process write it; each append fails from now on.
    pub(super) fn close(&mut self) {
        self.file = None;
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
        if self.whole > LONGEST {
            self.shorten();
        }
        Ok(())
    }

    /// What is written is safe whatever becomes of this.
    fn shorten(&mut self) {
        // The old file may be gone by name: nothing may be written into it any more.
        self.file = None;
        if let Err(error) = self.compact() {
            tracing::warn!(%error, "The journal cannot be cut down");
        }
        if let Err(error) = self.open_file() {
            tracing::error!(%error, "The journal cannot be opened again: a restart would forget what follows");
        }
    }

    fn compact(&mut self) -> io::Result<()> {
        let bytes = fs::read(&self.path)?;
        let whole = bytes.get(..self.whole as usize).unwrap_or_default();
        let whole = String::from_utf8_lossy(whole);
        let mut room = LONGEST / 2;
        let mut fits = |line: &str| {
            let fits = line.len() as u64 <= room;
            room = room.saturating_sub(line.len() as u64);
            fits
        };
        let newest = whole.lines().next_back().map(str::to_owned);
        let older = whole.lines().rev().skip(1).take(KEPT - 1);
        let older = older.map_while(without_state).take_while(|line| fits(line));
        let mut last: Vec<String> = newest.into_iter().chain(older).collect();
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

/// What a line tells, without the state that a newer line tells too: in a house of many routes that is
/// most of it.
fn without_state(line: &str) -> Option<String> {
    let mut told: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
    told.remove("overrides");
    serde_json::to_string(&told).ok()
}

/// Whether a line tells the state; see [`without_state`].
fn has_state(line: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct State {
        #[serde(rename = "overrides")]
        _overrides: serde::de::IgnoredAny,
    }
    serde_json::from_slice::<State>(line).is_ok()
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
            Ok(entry) if last.is_none() || has_state(text) => last = Some(entry),
            Ok(_) => {}
            // Each line tells the whole state, so a spoilt one in the middle costs no other.
            Err(error) => tracing::error!(%error, "A line of the journal cannot be read"),
        }
        whole += line.len() as u64;
    }
    Ok((whole, last))
}

#[cfg(test)]
#[path = "journal_tests.rs"]
mod tests;
