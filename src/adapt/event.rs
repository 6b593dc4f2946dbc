//! What is told of an event, and what can become of it.

use std::fmt;

/// A complete event that has data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// The value of its `event:` field; empty if it has none.
    pub name: &'a str,
    /// Its lines of data, with a line feed between them.
    pub data: &'a [u8],
}

/// What becomes of an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes byte for byte.
    Pass,
    /// Its data goes. What remains of it, such as its `id:`, passes.
    Drop,
    /// Other data takes the place of its data.
    One(Vec<u8>),
    /// Several events take its place, all of its name; its `id:` goes with the last. None is as
    /// [`Outcome::Drop`].
    Many(Vec<Vec<u8>>),
}

/// Why a stream cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EventsError<E> {
    /// An event has more data than is allowed.
    TooLong,
    /// Whoever was asked about an event failed.
    Each(E),
}

impl<E: fmt::Display> fmt::Display for EventsError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("an event is too long"),
            Self::Each(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for EventsError<E> {}
