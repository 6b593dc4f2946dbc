//! What a process learns that has let the file go, since another one has taken its place: one line of JSON
//! each in `owners.late`, written at once. The successor reads on each second, and removes the file under
//! a lock when all of it is in its own file. A line may be read twice (after a crash): what was learned
//! later at the successor holds.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use serde::{Deserialize, Serialize};

use super::table::{Table, lock};
use super::words::Learned;

/// How much is read at once.
const SLICE: u64 = 1024 * 1024;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Learned,
    Done,
    Gone,
    /// A rule has begun or ended.
    Rule,
}

/// An id: as text if it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Text {
    Text(String),
    Bytes(Vec<u8>),
}

impl Text {
    pub(super) fn of(id: &[u8]) -> Self {
        match str::from_utf8(id) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Bytes(id.to_owned()),
        }
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    pub(super) what: What,
    pub(super) rule: String,
    pub(super) id: Text,
    /// Unix seconds.
    pub(super) at: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) backend: String,
    #[serde(default)]
    pub(super) ttl: u32,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) theirs: Option<String>,
}

impl Line {
    pub(super) fn of(learned: &Learned<'_>, at: u32) -> Self {
        Self {
            backend: learned.backend.to_owned(),
            ttl: learned.ttl,
            origin: learned.origin.to_owned(),
            theirs: learned.theirs.map(str::to_owned),
            ..Self::about(What::Learned, learned.rule, learned.id, at)
        }
    }

    pub(super) fn about(what: What, rule: &str, id: &[u8], at: u32) -> Self {
        Self {
            what,
            rule: rule.to_owned(),
            id: Text::of(id),
            at,
            backend: String::new(),
            ttl: 0,
            origin: String::new(),
            theirs: None,
        }
    }

    fn tell(&self, table: &Table, now: u32) {
        let id = self.id.bytes();
        if matches!(self.what, What::Rule) {
            // Up to now it may have had a gap.
            table.followed.doubt(&self.rule, now);
            table.bell.ring();
            return;
        }
        let known = table.created(&self.rule, id);
        if known.is_some_and(|created| created > self.at) {
            return;
        }
        match self.what {
            What::Learned if self.at.saturating_add(self.ttl) <= now => {}
            What::Learned => {
                let learned = Learned {
                    rule: &self.rule,
                    id,
                    backend: &self.backend,
                    ttl: self.ttl,
                    origin: &self.origin,
                    theirs: self.theirs.as_deref(),
                };
                table.learn(&learned, self.at);
            }
            What::Done => drop(table.finish(&self.rule, id, self.at)),
            What::Gone => drop(table.forget(&self.rule, id)),
            What::Rule => {}
        }
    }
}

/// The file of late lines, from both ends.
#[derive(Debug)]
pub(super) struct Late {
    path: Option<PathBuf>,
    /// This process writes it, and does not read it.
    writes: AtomicBool,
    /// How far it has been read.
    read: Mutex<u64>,
}

impl Late {
    pub(super) fn new(path: Option<PathBuf>) -> Self {
        Self {
            path,
            writes: AtomicBool::new(false),
            read: Mutex::new(0),
        }
    }

    /// There is no folder: nothing is ever to be on disk.
    pub(super) fn is_nowhere(&self) -> bool {
        self.path.is_none()
    }

    /// From now on all is told here.
    pub(super) fn begin(&self) {
        self.writes.store(true, SeqCst);
    }

    pub(super) fn writes(&self) -> bool {
        self.writes.load(SeqCst)
    }

    /// Appends a line. A failure is counted. Returns whether it is there.
    pub(super) fn tell(&self, table: &Table, line: &Line) -> bool {
        match self.append(line) {
            Ok(()) => {
                table.counts.late();
                true
            }
            Err(error) => {
                table.counts.fail();
                tracing::error!(%error, "The successor cannot be told of an owner");
                false
            }
        }
    }

    fn append(&self, line: &Line) -> io::Result<()> {
        let Some(path) = &self.path else {
            return Ok(());
        };
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true).mode(0o600);
        while !append_to(&mut options.open(path)?, &bytes)? {}
        Ok(())
    }

    /// What was read is read again. To be called when the file of the table was opened: from then on
    /// nobody else removes this one.
    pub(super) fn rewind(&self) {
        *lock(&self.read) = 0;
    }

    /// Takes over what has been written since the last time, at most [`SLICE`] bytes. Returns how many
    /// lines there were.
    pub(super) fn take_over(&self, table: &Table, now: u32) -> io::Result<usize> {
        let mut read = lock(&self.read);
        let Some(mut file) = self.open()? else {
            *read = 0;
            return Ok(0);
        };
        if file.metadata()?.len() < *read {
            *read = 0;
        }
        file.seek(SeekFrom::Start(*read))?;
        let mut bytes = Vec::new();
        file.take(SLICE).read_to_end(&mut bytes)?;
        let mut lines = 0;
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            let Some(text) = line.strip_suffix(b"\n") else {
                if line.len() as u64 == SLICE {
                    // No line of ours is that long.
                    *read += SLICE;
                    table.counts.lose(now);
                }
                break;
            };
            *read += line.len() as u64;
            if text.is_empty() {
                continue;
            }
            lines += 1;
            table.counts.late();
            match serde_json::from_slice::<Line>(text) {
                Ok(line) => line.tell(table, now),
                Err(error) => {
                    table.counts.lose(now);
                    tracing::error!(%error, "A late line about an owner cannot be read");
                }
            }
        }
        Ok(lines)
    }

    /// Whether something was read that is still in the file.
    pub(super) fn has_read(&self) -> bool {
        *lock(&self.read) > 0
    }

    /// Removes the file if all of it has been read. To be called when what was read is on disk.
    pub(super) fn clear(&self) -> io::Result<()> {
        let mut read = lock(&self.read);
        let (Some(path), Some(file)) = (&self.path, self.open()?) else {
            return Ok(());
        };
        hold(&file)?;
        if file.metadata()?.len() == *read {
            fs::remove_file(path)?;
            *read = 0;
        }
        Ok(())
    }

    fn open(&self) -> io::Result<Option<File>> {
        let Some(path) = &self.path else {
            return Ok(None);
        };
        match File::open(path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// `false` if the successor has used the file up and removed it since it was opened.
fn append_to(file: &mut File, line: &[u8]) -> io::Result<bool> {
    hold(file)?;
    let found = file.metadata()?;
    if found.nlink() == 0 {
        return Ok(false);
    }
    let len = found.len();
    let mut last = [b'\n'];
    if len > 0 {
        file.read_exact_at(&mut last, len - 1)?;
    }
    // A torn line must not spoil this one.
    let apart: &[u8] = if last == [b'\n'] { b"" } else { b"\n" };
    let written = file.write_all(&[apart, line].concat());
    if let Err(error) = written {
        // Half a line must not stand before the next one.
        file.set_len(len)?;
        return Err(error);
    }
    Ok(true)
}

/// Keeps the other process out until the file is closed. Where files cannot be locked, it goes without.
fn hold(file: &File) -> io::Result<()> {
    match file.lock() {
        Err(error) if error.kind() != io::ErrorKind::Unsupported => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_for_a_file_that_was_removed_goes_into_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("owners.late");
        let mut file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)
            .unwrap();
        assert!(append_to(&mut file, b"1\n").unwrap());
        file.unlock().unwrap();
        let late = Late::new(Some(path.clone()));
        let table = Table::new(crate::owners::key::Secret::random(), 10, 0);
        assert_eq!(late.take_over(&table, 0).unwrap(), 1);
        late.clear().unwrap();
        assert!(!path.exists());
        assert!(!append_to(&mut file, b"2\n").unwrap());
        let line = Line::about(What::Gone, "jobs", b"a", 1);
        assert!(late.tell(&table, &line));
        assert_eq!(late.take_over(&table, 0).unwrap(), 1);
        // What came since it was read keeps it.
        assert!(late.tell(&table, &line));
        late.clear().unwrap();
        assert!(path.exists());
    }
}
