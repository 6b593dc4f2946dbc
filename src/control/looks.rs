//! Which file a path leads to, and whether it may have another content than at the last look.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A file changed this recently is read even if it looks the same: clocks of file systems are coarse.
const YOUNG: Duration = Duration::from_secs(3);

/// Which file a path leads to, and its size and time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Looks {
    device: u64,
    inode: u64,
    size: u64,
    modified: Option<SystemTime>,
}

impl Looks {
    /// `None` without a regular file: reading anything else, such as a pipe, could block.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let data = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        Some(Self {
            device: data.dev(),
            inode: data.ino(),
            size: data.len(),
            modified: data.modified().ok(),
        })
    }
}

/// Whether it has changed so recently that its time says nothing.
pub(super) fn is_young(looks: Option<&Looks>) -> bool {
    looks
        .and_then(|looks| looks.modified?.elapsed().ok())
        .is_none_or(|age| age < YOUNG)
}
