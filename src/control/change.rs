//! The only message that the controller takes.

use std::fmt;
use std::sync::Arc;

use crate::snapshot::Endpoint;

/// Something that alters traffic, and who wants it.
#[derive(Debug)]
pub struct Change {
    /// What.
    pub what: What,
    /// Who.
    pub actor: Actor,
}

/// What shall change.
#[derive(Debug)]
pub enum What {
    /// The file is to be read and applied.
    File,
    /// A health check has a new word on an endpoint.
    Health {
        /// Which.
        endpoint: Arc<Endpoint>,
        /// Its backend, for the log.
        backend: Box<str>,
        /// The word.
        healthy: bool,
    },
}

/// Who wants a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The file was saved.
    File,
    /// SIGHUP.
    Signal,
    /// An active health check.
    Health,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::File => "file",
            Self::Signal => "signal",
            Self::Health => "health",
        })
    }
}
