//! What goes into the table of owners and what comes out of it.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::trouble::Trouble;

/// The longest id, and the longest id at an owner, in bytes.
pub const LONGEST_ID: usize = 256;

/// How many entries a table holds if nothing else is said.
pub const CAPACITY: usize = 1_000_000;

/// How a table is opened.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The state folder; `None` keeps everything in memory only. Made if it does not exist.
    pub folder: Option<PathBuf>,
    /// The most entries over all rules; see [`CAPACITY`]. At least 1.
    pub capacity: usize,
    /// How long to wait for a predecessor that still has the file open.
    pub wait: Duration,
}

/// What was found when a table was opened.
#[derive(Debug)]
pub struct Opened {
    /// Entries that were taken over.
    pub entries: usize,
    /// Entries that had expired, and were left out.
    pub expired: usize,
    /// Lines of a predecessor that were taken over from `owners.late`.
    pub late: usize,
    /// Where a file that could not be used was moved to. The table then begins now.
    pub set_aside: Option<PathBuf>,
    /// Why that file could not be used.
    pub broken: Option<Trouble>,
    /// Why the table is in memory only; `None` if it is on disk, or was asked to be in memory. `sweep`
    /// tries again.
    pub memory_only: Option<Trouble>,
    /// When this table began, in unix seconds.
    pub since: u32,
}

/// The owner of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// The backend that has it.
    pub backend: Arc<str>,
    /// The id that it has there, if it is another one.
    pub theirs: Option<Arc<str>>,
    /// Whether nothing more will happen to it.
    pub done: bool,
    /// When this owner was learned, in unix seconds.
    pub created: u32,
}

/// What there is to learn about an id.
#[derive(Debug, Clone, Copy)]
pub struct Learned<'a> {
    /// The rule that it belongs to.
    pub rule: &'a str,
    /// The id as clients know it, at most [`LONGEST_ID`] bytes.
    pub id: &'a [u8],
    /// The backend that has it.
    pub backend: &'a str,
    /// Seconds from its last use until it is forgotten; 0 counts as 1.
    pub ttl: u32,
    /// What made it, such as `POST /api/jobs`; empty if it was found by asking around. At most
    /// [`LONGEST_ID`] bytes are kept.
    pub origin: &'a str,
    /// The id that the backend knows it by, if it is another one, at most [`LONGEST_ID`] bytes. Without it,
    /// one that was learned before for this owner still holds.
    pub theirs: Option<&'a str>,
}

/// What became of something learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Learnt {
    /// The id was not known.
    New,
    /// It was known to be there; its time to live begins again.
    Known,
    /// It was known to be elsewhere, and is no longer.
    Moved {
        /// The former owner.
        from: Arc<str>,
    },
    /// An id, a rule or a backend is too long: nothing was learned. Counted as refused.
    TooLong,
    /// There is no room for it, or for another name of a rule or backend: nothing was learned. Counted as
    /// refused.
    NoRoom,
}

/// How many ids of a rule a backend owns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    /// The rule.
    pub rule: Arc<str>,
    /// The backend.
    pub backend: Arc<str>,
    /// Ids that are not done.
    pub live: usize,
    /// Ids that are done and still known.
    pub done: usize,
    /// When the oldest live one was learned, in unix seconds.
    pub oldest_live: Option<u32>,
}

/// How the table is. Counts without another word are since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Entries in memory, including those that have expired and are not swept yet.
    pub entries: usize,
    /// The most entries that it holds.
    pub capacity: usize,
    /// When this table began, in unix seconds: what was made before it is not known. It survives restarts,
    /// and begins anew when a table is lost.
    pub since: u32,
    /// Live entries that had to make room for others.
    pub evicted_live: u64,
    /// Entries that had to make room for others, live ones included.
    pub evicted: u64,
    /// Until when entries would have lived that are missing here (evicted while live, refused, or told in a
    /// spoilt line), in unix seconds; 0 if there are none. It survives restarts. Before it, no live entry
    /// at a backend does not mean that there is none.
    pub blind_until: u32,
    /// Entries whose time was over.
    pub expired: u64,
    /// Things that were not learned: too long, or no room.
    pub refused: u64,
    /// Failures to write, or to open the file again.
    pub write_errors: u64,
    /// Changes that wait for the disk; 0 if there is to be none.
    pub behind: usize,
    /// Whether the table is on disk as well.
    pub on_disk: bool,
    /// Lines of `owners.late`: written after a release, or taken over from a predecessor.
    pub late_lines: u64,
}

/// A live id of a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The rule that it belongs to.
    pub rule: &'a str,
    /// The id as clients know it, with replacement characters where it is not UTF-8. `None` if its text
    /// was lost because the disk failed for long: the next use brings it back.
    pub id: Option<&'a str>,
    /// When this owner was learned, in unix seconds.
    pub created: u32,
    /// What made it; empty if it was found by asking around, or if its text was lost.
    pub origin: &'a str,
    /// The id that the backend knows it by, if it is another one.
    pub theirs: Option<&'a str>,
}
