//! What can go wrong with a request on a connection to a backend.

use std::fmt;
use std::io;

/// See the variants. None of them says that the backend has not begun with the request: that is
/// [`super::Connection::has_sent`].
#[derive(Debug)]
pub enum Error {
    /// The socket failed.
    Io(io::Error),
    /// The backend closed the connection before its answer was whole.
    Closed,
    /// What came is no proper HTTP/1.1 response.
    Malformed(&'static str),
    /// The body of the request failed, or was shorter than it said: not the backend's fault.
    Upload,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Closed => f.write_str("the connection was closed before the answer was whole"),
            Self::Malformed(what) => write!(f, "the response is malformed: {what}"),
            Self::Upload => f.write_str("the body of the request failed"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Closed | Self::Malformed(_) | Self::Upload => None,
        }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
