//! Why the table is not on disk, or why a file could not be used.

use std::fmt;
use std::io;

/// What went wrong with the file of the table.
#[derive(Debug)]
pub enum Trouble {
    /// The folder, or a file in it, cannot be used.
    Io(io::Error),
    /// Another process has the file open.
    Busy,
    /// The file is not a table, or is damaged; why.
    Damaged(String),
    /// The file has another format.
    Format(u64),
    /// The folder has another key than the one that this table began with: only a restart helps.
    OtherKey,
}

impl Trouble {
    /// Whether the file itself is the trouble, so that another one in its place would do.
    pub(super) fn is_the_file(&self) -> bool {
        match self {
            Self::Damaged(_) | Self::Format(_) => true,
            Self::Io(error) => is_unreadable(error),
            Self::Busy | Self::OtherKey => false,
        }
    }
}

/// Whether the error tells of the file, and not of the disk or the process around it.
fn is_unreadable(error: &io::Error) -> bool {
    const BAD_SECTOR: i32 = 5;
    matches!(
        error.kind(),
        io::ErrorKind::InvalidData
            | io::ErrorKind::UnexpectedEof
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::IsADirectory
    ) || error.raw_os_error() == Some(BAD_SECTOR)
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Busy => f.write_str("another process has the file open"),
            Self::Damaged(why) => write!(f, "the file is damaged: {why}"),
            Self::Format(format) => write!(f, "the file has format {format}"),
            Self::OtherKey => f.write_str("the key of the folder was changed meanwhile"),
        }
    }
}

impl std::error::Error for Trouble {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            _ => None,
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
